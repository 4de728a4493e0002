//! Filter criteria of event source mappings: `EventBridge` event patterns, with the operators that Lambda documents.

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

/// Maximum length of a pattern.
const PATTERN_CHARACTERS_MAX: usize = 4_096;

/// Kind of stream, which determines the fields of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    Kinesis,
    Table,
}

/// Filters of a mapping. A record is delivered if it matches any pattern, or if there are no patterns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filters {
    kind: RecordKind,
    patterns: Vec<Pattern>,
}

impl RecordKind {
    /// Returns the data property; all other fields are metadata properties.
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
    /// Creates filters that match every record.
    pub(crate) fn new(kind: RecordKind) -> Self {
        Self { kind, patterns: Vec::new() }
    }

    /// Parses a pattern and adds it.
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

    /// True if there is no filter, so that every record is delivered.
    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// True if a record is delivered. `event` is an element of the event's `Records`.
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

    /// Matches a Kinesis record, with its data decoded and parsed as JSON. Other data matches no pattern that refers to
    /// `data`.
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
