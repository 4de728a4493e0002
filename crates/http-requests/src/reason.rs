//! Reasons why a value is rejected, without the value.
//!
//! Serde's messages repeat the rejected value (`invalid type: string "tok_…", expected i64`). Responses end up in
//! callers' logs and tickets, and the rejected value may be a payment token, or worse, in the wrong field.

use http_problems::shorten_name;

/// Returns serde's message without values, and with long names shortened.
///
/// The end of a message (`, expected …`) comes from our types and follows the value, so it is searched for from the end
/// of the message. A message of another form is the type's own (`FromStr`), which must not repeat its input.
pub(crate) fn without_values(message: &str) -> String {
    for problem in ["invalid type: ", "invalid value: "] {
        let parts = message.strip_prefix(problem).and_then(|rest| rest.rsplit_once(", expected "));
        if let Some((found, expected)) = parts {
            // `string "…"`, `integer `…``: the kind of value, then the value.
            let kind = found.split(['`', '"']).next().unwrap_or_default().trim_end();
            return format!("{problem}{kind}, expected {expected}");
        }
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let known = rest.rsplit_once("`, expected ").map(|(_, known)| format!(", expected {known}"));
        return format!("unknown variant{}", known.unwrap_or_default());
    }
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (name, known) = match rest.rsplit_once("`, expected ") {
            Some((name, known)) => (name, format!(", expected {known}")),
            None => (rest.strip_suffix("`, there are no fields").unwrap_or(rest), String::new()),
        };
        return format!("unknown field `{}`{known}", shorten_name(name));
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_removed_whatever_they_contain() {
        let hostile = r#"a", expected b`, expected c at line 1"#;
        let cases = [
            (format!("invalid type: string {hostile:?}, expected i64"), "invalid type: string, expected i64"),
            ("invalid type: floating point `1.5`, expected u32".into(), "invalid type: floating point, expected u32"),
            ("invalid value: integer `-1`, expected u32".into(), "invalid value: integer, expected u32"),
            ("invalid type: null, expected a string".into(), "invalid type: null, expected a string"),
            ("invalid type: sequence, expected a JSON object".into(), "invalid type: sequence, expected a JSON object"),
            (format!("unknown variant `{hostile}`, expected `a` or `b`"), "unknown variant, expected `a` or `b`"),
            ("unknown variant `x`, there are no variants".into(), "unknown variant"),
            ("missing field `minor`".into(), "missing field `minor`"),
        ];
        for (message, expected) in cases {
            assert_eq!(without_values(&message), expected);
        }
    }

    #[test]
    fn names_of_unknown_fields_are_shortened() {
        assert_eq!(without_values("unknown field `tip`, expected `a`"), "unknown field `tip`, expected `a`");
        assert_eq!(without_values("unknown field `tip`, there are no fields"), "unknown field `tip`");
        let long = format!("unknown field `{}`, expected one of `a`, `b`, `c`", "é".repeat(65));
        let cut = format!("unknown field `{}…`, expected one of `a`, `b`, `c`", "é".repeat(64));
        assert_eq!(without_values(&long), cut);
    }
}
