//! Lambda event of a DynamoDB stream.
//!
//! Deserializes only the fields that a consumer uses, so that no other field can make a batch undecodable.
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>.

use serde::Deserialize;

use crate::kinesis::unix_ms;

/// Batch of one shard's changes, in order. All changes of an item are in the same shard.
///
/// `I` is the type of an item, for example `serde_dynamo::Item`. It should accept any item in DynamoDB's JSON: an item
/// that it rejects makes the batch undecodable.
#[derive(Debug, Clone, Deserialize)]
pub struct DynamoDbEvent<I> {
    /// Changes, in shard order.
    #[serde(rename = "Records")]
    pub records: Vec<DynamoDbRecord<I>>,
}

/// One write to the table.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Envelope<I>")]
#[serde(bound(deserialize = "I: Deserialize<'de>"))]
pub struct DynamoDbRecord<I> {
    /// Kind of write: `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: String,
    /// Sequence number in the shard: a decimal number too large for any integer type. Empty if missing, so that the
    /// other records stay decodable.
    pub sequence_number: String,
    /// Approximate time of the write, in milliseconds since the Unix epoch; `None` if missing or out of range.
    pub written_at_unix_ms: Option<i64>,
    /// Key of the item.
    pub keys: Option<I>,
    /// Item before the write, if it existed and the stream view includes it.
    pub old_image: Option<I>,
    /// Item after the write, if the stream view includes it; `None` after a removal.
    pub new_image: Option<I>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "I: Deserialize<'de>"))]
struct Envelope<I> {
    #[serde(rename = "eventName", default)]
    event_name: String,
    #[serde(rename = "dynamodb")]
    change: Change<I>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", bound(deserialize = "I: Deserialize<'de>"))]
struct Change<I> {
    #[serde(default)]
    sequence_number: String,
    /// Seconds since the Unix epoch.
    #[serde(default)]
    approximate_creation_date_time: Option<f64>,
    #[serde(default)]
    keys: Option<I>,
    #[serde(default)]
    old_image: Option<I>,
    #[serde(default)]
    new_image: Option<I>,
}

impl<I> From<Envelope<I>> for DynamoDbRecord<I> {
    fn from(Envelope { event_name, change }: Envelope<I>) -> Self {
        let Change { sequence_number, approximate_creation_date_time, keys, old_image, new_image } = change;
        let written_at_unix_ms = approximate_creation_date_time.and_then(unix_ms);
        Self { event_name, sequence_number, written_at_unix_ms, keys, old_image, new_image }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_documented_event_is_decoded() {
        let event: DynamoDbEvent<Value> = serde_json::from_str(include_str!("../tests/events/dynamodb.json")).unwrap();
        let [inserted, modified, removed] = event.records.as_slice() else { panic!("three records: {event:?}") };
        assert_eq!((inserted.event_name.as_str(), inserted.sequence_number.as_str()), ("INSERT", "111"));
        assert_eq!(inserted.written_at_unix_ms, Some(1_700_000_001_000));
        assert_eq!(inserted.keys, Some(json!({"Id": {"N": "101"}})));
        assert_eq!(inserted.new_image.as_ref().unwrap()["Message"], json!({"S": "New item!"}));
        assert!(inserted.old_image.is_none());
        assert!(modified.old_image.is_some() && modified.new_image.is_some());
        assert_eq!(removed.sequence_number, "333");
        assert!(removed.old_image.is_some() && removed.new_image.is_none());
    }

    #[test]
    fn missing_fields_are_empty() {
        let record: DynamoDbRecord<Value> = serde_json::from_str(r#"{"dynamodb":{}}"#).unwrap();
        assert_eq!((record.sequence_number.as_str(), record.new_image), ("", None));
    }
}
