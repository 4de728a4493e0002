//! What Lambda invokes a function with that reads a DynamoDB table's stream.
//!
//! Only what a consumer uses is read, so that nothing else can make a batch unreadable.
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>.

use serde::Deserialize;

/// A batch of one shard's changes, in order. Changes of one item are all in one shard.
///
/// `I` is what an item is read as: `serde_dynamo::Item`, or whatever reads DynamoDB's JSON. It should take any item: one
/// that it refuses makes the batch unreadable.
#[derive(Debug, Clone, Deserialize)]
pub struct DynamoDbEvent<I> {
    /// The changes.
    #[serde(rename = "Records")]
    pub records: Vec<DynamoDbRecord<I>>,
}

/// One write to the table.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Envelope<I>")]
#[serde(bound(deserialize = "I: Deserialize<'de>"))]
pub struct DynamoDbRecord<I> {
    /// What was done: `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: String,
    /// Its place in the shard: a decimal number of more digits than any integer type holds. Empty where there is none,
    /// which then costs no other record anything.
    pub sequence_number: String,
    /// The item's key.
    pub keys: Option<I>,
    /// The item before the write, where the stream carries it and there was one.
    pub old_image: Option<I>,
    /// The item after the write, where the stream carries it; there is none after a removal.
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
    #[serde(default)]
    keys: Option<I>,
    #[serde(default)]
    old_image: Option<I>,
    #[serde(default)]
    new_image: Option<I>,
}

impl<I> From<Envelope<I>> for DynamoDbRecord<I> {
    fn from(Envelope { event_name, change }: Envelope<I>) -> Self {
        let Change { sequence_number, keys, old_image, new_image } = change;
        Self { event_name, sequence_number, keys, old_image, new_image }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_event_is_read_as_the_documentation_shows_it() {
        let event: DynamoDbEvent<Value> = serde_json::from_str(include_str!("../tests/events/dynamodb.json")).unwrap();
        let [inserted, modified, removed] = event.records.as_slice() else { panic!("three records: {event:?}") };
        assert_eq!((inserted.event_name.as_str(), inserted.sequence_number.as_str()), ("INSERT", "111"));
        assert_eq!(inserted.keys, Some(json!({"Id": {"N": "101"}})));
        assert_eq!(inserted.new_image.as_ref().unwrap()["Message"], json!({"S": "New item!"}));
        assert!(inserted.old_image.is_none());
        assert!(modified.old_image.is_some() && modified.new_image.is_some());
        assert_eq!(removed.sequence_number, "333");
        assert!(removed.old_image.is_some() && removed.new_image.is_none());
    }

    #[test]
    fn what_is_missing_costs_only_what_it_would_have_told() {
        let record: DynamoDbRecord<Value> = serde_json::from_str(r#"{"dynamodb":{}}"#).unwrap();
        assert_eq!((record.sequence_number.as_str(), record.new_image), ("", None));
    }
}
