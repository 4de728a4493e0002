//! What a function answers, for Kinesis and DynamoDB streams alike.

use serde::Serialize;

/// The answer to a batch: which records to deliver again.
///
/// Lambda takes the lowest number of all for its checkpoint, so that it does no harm to name the first failure of every
/// lane. Answers from this crate name them in the order of the batch.
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

impl BatchResponse {
    /// The answer that fails the batch as a whole: a failure without a number, which Lambda takes for just that.
    ///
    /// For what concerns no single record. To Lambda it is the same as an invocation that failed, without its error.
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

/// Reports these as well.
impl Extend<String> for BatchResponse {
    fn extend<I: IntoIterator<Item = String>>(&mut self, sequence_numbers: I) {
        let failures = sequence_numbers.into_iter().map(|item_identifier| BatchItemFailure { item_identifier });
        self.batch_item_failures.extend(failures);
    }
}

/// The numbers that are reported.
impl IntoIterator for BatchResponse {
    type Item = String;
    type IntoIter = std::iter::Map<std::vec::IntoIter<BatchItemFailure>, fn(BatchItemFailure) -> String>;

    fn into_iter(self) -> Self::IntoIter {
        self.batch_item_failures.into_iter().map(|failure| failure.item_identifier)
    }
}
