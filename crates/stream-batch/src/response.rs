//! What a function answers, for Kinesis and DynamoDB streams alike.

use serde::Serialize;

/// The answer to a batch: which records to deliver again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// Empty when the whole batch was handled.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// One record that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Its sequence number.
    pub item_identifier: String,
}

impl FromIterator<String> for BatchResponse {
    fn from_iter<I: IntoIterator<Item = String>>(sequence_numbers: I) -> Self {
        let failures = sequence_numbers.into_iter().map(|item_identifier| BatchItemFailure { item_identifier });
        Self { batch_item_failures: failures.collect() }
    }
}
