//! Filter criteria: which records an event source mapping delivers. The language is that of the event
//! patterns of `EventBridge`, as far as Lambda lists its operators.

mod invalid;
mod json;
mod pattern;
mod rule;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

pub(crate) use invalid::InvalidPattern;
use json::JsonFields;
use pattern::Pattern;

/// A pattern may be so long.
const PATTERN_CHARACTERS_MAX: usize = 4_096;

/// What the records come from, and so what they look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    Kinesis,
    Table,
}

/// A record is delivered if it matches any of the patterns, or if there is none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filters {
    kind: RecordKind,
    patterns: Vec<Pattern>,
}

impl RecordKind {
    /// The field that holds what was written; every other is about it.
    fn data_field(self) -> &'static str {
        match self {
            Self::Kinesis => "data",
            Self::Table => "dynamodb",
        }
    }

    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Kinesis => {
                &["data", "partitionKey", "sequenceNumber", "approximateArrivalTimestamp", "kinesisSchemaVersion"]
            }
            Self::Table => &[
                "dynamodb",
                "eventName",
                "eventID",
                "eventVersion",
                "eventSource",
                "eventSourceARN",
                "awsRegion",
                "userIdentity",
            ],
        }
    }
}

impl Filters {
    /// Filters that let every record of that kind pass.
    pub(crate) fn new(kind: RecordKind) -> Self {
        Self { kind, patterns: Vec::new() }
    }

    /// Adds a pattern.
    pub(crate) fn add(&mut self, json: &str) -> Result<(), InvalidPattern> {
        let length = json.chars().count();
        if length > PATTERN_CHARACTERS_MAX {
            return Err(InvalidPattern::TooLong(length));
        }
        let raw: &RawValue = serde_json::from_str(json).map_err(|error| InvalidPattern::NotJson(error.to_string()))?;
        let pattern = Pattern::parse(raw)?;
        let (data, known) = (self.kind.data_field(), self.kind.fields());
        for (field, is_object) in pattern.names() {
            if !known.contains(&field) {
                return Err(InvalidPattern::UnknownField { field: field.to_owned(), known: known.join(", ") });
            }
            if field == data && !is_object {
                return Err(InvalidPattern::DataNotAnObject(data));
            }
        }
        self.patterns.push(pattern);
        Ok(())
    }

    /// Whether a record is delivered, given as an element of an event's `Records`.
    pub(crate) fn matches(&self, event: &str) -> bool {
        if self.patterns.is_empty() {
            return true;
        }
        match self.kind {
            RecordKind::Table => {
                let fields: JsonFields<'_> = serde_json::from_str(event).unwrap_or_default();
                self.patterns.iter().any(|pattern| pattern.matches(&fields))
            }
            RecordKind::Kinesis => self.matches_kinesis(event),
        }
    }

    /// The data is matched as the JSON it holds. What holds none matches no pattern that looks into the data.
    fn matches_kinesis(&self, event: &str) -> bool {
        #[derive(Default, Deserialize)]
        struct Event<'a> {
            #[serde(borrow)]
            kinesis: JsonFields<'a>,
        }
        let mut fields = serde_json::from_str::<Event<'_>>(event).unwrap_or_default().kinesis;
        let encoded = fields.remove("data").map(RawValue::get).unwrap_or_default();
        let data = STANDARD.decode(encoded.trim_matches('"')).unwrap_or_default();
        let data: Option<&RawValue> = serde_json::from_slice(&data).ok();
        if let Some(data) = data {
            fields.insert("data".to_owned(), data);
        }
        let can_match = |pattern: &&Pattern| data.is_some() || pattern.names().iter().all(|(name, _)| *name != "data");
        self.patterns.iter().filter(can_match).any(|pattern| pattern.matches(&fields))
    }
}
