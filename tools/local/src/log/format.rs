//! Human-readable log lines: `20:00:00.123 INFO  payment-api  payment authorized payment_id=pay_1`.

use std::fmt;
use std::fmt::Write;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

/// Maximum length of a line; longer ones are cut.
const LINE_BYTES_MAX: usize = 4096;
/// Width that tags are padded to, so that messages align.
const TAG_WIDTH: usize = 15;
const TIME_OF_DAY: StaticFormatDescription = format_description!("[hour]:[minute]:[second].[subsecond digits:3]");
/// Fields that are shown elsewhere in the line, or left out as noise.
const LEFT_OUT: [&str; 8] = ["timestamp", "level", "message", "target", "fields", "span", "spans", "threadId"];
/// Field with the trace id, in lines and in spans.
const TRACE: &str = "trace_id";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Colour,
}

/// Formats a line that a function printed. `None` for metrics, which only `CloudWatch` reads.
pub(super) fn function_line(tag: &str, line: &str, style: Style) -> Option<String> {
    let Ok(LogFields(fields)) = serde_json::from_str::<LogFields>(line) else {
        return Some(assemble(&now(), "", tag, line, style));
    };
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    if field("_aws").is_some() {
        return None;
    }
    let Some(level) = field("level").and_then(Value::as_str) else {
        return Some(assemble(&now(), "", tag, line, style));
    };
    // RFC 3339 has the time of day at a fixed position.
    let time = field("timestamp").and_then(Value::as_str).and_then(|timestamp| timestamp.get(11..23));
    let nested: Option<LogFields> = field("fields").and_then(|nested| serde_json::from_value(nested.clone()).ok());
    let nested = nested.map(|LogFields(nested)| nested).unwrap_or_default();
    let message = field("message").or_else(|| nested.iter().find(|(key, _)| key == "message").map(|(_, value)| value));
    let mut text = message.map(plain).unwrap_or_default();
    for (key, value) in fields.iter().chain(&nested).filter(|(key, _)| !LEFT_OUT.contains(&key.as_str())) {
        // Writing to a String cannot fail.
        let _ = write!(text, " {key}={}", plain(value));
    }
    if let Some(trace_id) = trace_of_spans(&fields) {
        let _ = write!(text, " {TRACE}={trace_id}");
    }
    Some(assemble(&time.map_or_else(now, str::to_owned), level, tag, text.trim_start(), style))
}

/// Returns the trace id of the spans, unless the line itself has one. It follows a request through all functions. Other
/// span fields are not shown.
fn trace_of_spans(fields: &[(String, Value)]) -> Option<&str> {
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    if field(TRACE).is_some() {
        return None;
    }
    field("spans")?.as_array()?.iter().find_map(|span| span[TRACE].as_str())
}

/// Formats a line of the environment itself.
pub(super) fn own_line(tag: &str, level: &str, message: &str, style: Style) -> String {
    assemble(&now(), level, tag, message, style)
}

fn assemble(time: &str, level: &str, tag: &str, text: &str, style: Style) -> String {
    // No line breaks or terminal escape sequences.
    let text = text.replace(|c: char| c.is_control() && c != '\t', " ");
    let (dim, loud, end) = match style {
        Style::Plain => ("", "", ""),
        Style::Colour => ("\x1b[2m", colour_of(level), "\x1b[0m"),
    };
    let mut line = format!("{dim}{time}{end} {loud}{level:<5}{end} {tag:<TAG_WIDTH$} {text}");
    if line.len() > LINE_BYTES_MAX {
        line.truncate(line.floor_char_boundary(LINE_BYTES_MAX));
        line.push('…');
    }
    line
}

fn colour_of(level: &str) -> &'static str {
    match level {
        "ERROR" => "\x1b[31m",
        "WARN" => "\x1b[33m",
        "INFO" => "\x1b[32m",
        _ => "\x1b[36m",
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn now() -> String {
    OffsetDateTime::now_utc().format(TIME_OF_DAY).unwrap_or_default()
}

/// A JSON object with its fields in the order of the text.
struct LogFields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for LogFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = LogFields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LogFields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(LogFields(fields))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(json: &str) -> String {
        function_line("payment-api", json, Style::Plain).unwrap()
    }

    #[test]
    fn json_becomes_one_readable_line() {
        let json = r#"{"timestamp":"2026-11-22T20:00:00.123456Z","level":"INFO","target":"payments","message":"payment authorized","payment_id":"pay_1","order_id":"ord-42","amount":1299}"#;
        let expected =
            "20:00:00.123 INFO  payment-api     payment authorized payment_id=pay_1 order_id=ord-42 amount=1299";
        assert_eq!(line(json), expected);
    }

    #[test]
    fn nested_fields_are_shown() {
        let json = r#"{"timestamp":"2026-11-22T20:00:00.123Z","level":"WARN","fields":{"message":"late","age_ms":7},"span":{}}"#;
        assert_eq!(line(json), "20:00:00.123 WARN  payment-api     late age_ms=7");
    }

    #[test]
    fn only_the_trace_id_of_spans_is_shown_and_only_once() {
        let json = r#"{"level":"INFO","message":"stored","spans":[{"name":"i","requestId":"r"},{"name":"p","trace_id":"t-1"}]}"#;
        assert!(line(json).ends_with("stored trace_id=t-1"), "{}", line(json));
        let own = json.replace(r#""message""#, r#""trace_id":"t-2","message""#);
        assert!(line(&own).ends_with("stored trace_id=t-2"), "{}", line(&own));
    }

    #[test]
    fn other_lines_are_passed_through_with_their_tag() {
        for raw in ["thread 'main' panicked", "[1,2]", "{\"a\":1}", "{broken"] {
            let line = line(raw);
            assert!(line.ends_with(&format!("payment-api     {raw}")), "{line}");
        }
    }

    #[test]
    fn metrics_are_not_shown() {
        assert_eq!(function_line("payment-api", r#"{"_aws":{"Timestamp":1},"Published":1}"#, Style::Plain), None);
    }

    #[test]
    fn a_message_stays_on_one_line_of_bounded_length() {
        assert!(!own_line("paystream", "WARN", "a\nb\r\nc", Style::Plain).contains('\n'));
        let long = line(&"é".repeat(5000));
        assert!(long.len() <= LINE_BYTES_MAX + '…'.len_utf8() && long.ends_with('…'));
    }

    #[test]
    fn colours_are_used_only_in_colour_style() {
        assert!(own_line("paystream", "WARN", "x", Style::Colour).contains("\x1b[33m"));
        assert!(!own_line("paystream", "WARN", "x", Style::Plain).contains('\x1b'));
    }
}
