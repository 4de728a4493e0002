//! What Lambda invokes the function with.
//!
//! These are our own types, of what is used and nothing else, so that nothing else can make a batch unreadable.
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>.

use serde::Deserialize;

/// A batch of one shard's changes, in order.
#[derive(Debug, Deserialize)]
pub struct ChangeBatch {
    #[serde(rename = "Records")]
    pub(crate) records: Vec<ChangeRecord>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ChangeRecord {
    #[serde(rename = "dynamodb")]
    pub(crate) change: Change,
}

/// One write to the table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Change {
    pub(crate) sequence_number: String,
    /// The item after the write; there is none after a removal.
    pub(crate) new_image: Option<serde_dynamo::Item>,
}
