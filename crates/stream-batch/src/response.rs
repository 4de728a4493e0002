//! Partial batch response, for Kinesis and DynamoDB streams.

use serde::Serialize;

/// Response to a batch: the records that failed.
///
/// Lambda checkpoints before the lowest sequence number, so reporting the first failure of every lane is safe. This
/// crate reports them in batch order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// Failed records; empty if the whole batch was handled.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// One record that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Sequence number of the record.
    pub item_identifier: String,
}

impl BatchResponse {
    /// Creates a response that fails the whole batch: one failure with an empty sequence number.
    ///
    /// For failures that concern no single record. Lambda redelivers the batch as after a failed invocation, but counts
    /// no function error.
    pub fn whole_batch() -> Self {
        std::iter::once(String::new()).collect()
    }
}

impl FromIterator<String> for BatchResponse {
    fn from_iter<I: IntoIterator<Item = String>>(sequence_numbers: I) -> Self {
        let mut response = Self::default();
        response.extend(sequence_numbers);
        response
    }
}

/// Adds failed sequence numbers.
impl Extend<String> for BatchResponse {
    fn extend<I: IntoIterator<Item = String>>(&mut self, sequence_numbers: I) {
        let failures = sequence_numbers.into_iter().map(|item_identifier| BatchItemFailure { item_identifier });
        self.batch_item_failures.extend(failures);
    }
}

/// Yields the failed sequence numbers.
impl IntoIterator for BatchResponse {
    type Item = String;
    type IntoIter = std::iter::Map<std::vec::IntoIter<BatchItemFailure>, fn(BatchItemFailure) -> String>;

    fn into_iter(self) -> Self::IntoIter {
        self.batch_item_failures.into_iter().map(|failure| failure.item_identifier)
    }
}
