//! Partial batch response.

use serde::Serialize;

use crate::{HubPosition, KafkaPosition, UnreportableMessage};

/// Response to a batch: the records that failed. `I` is their identifier, by default a sequence number of a stream.
///
/// Lambda checkpoints before the lowest identifier of each shard or partition, so reporting the first failure of every
/// lane is safe. This crate reports them in batch order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse<I = String> {
    /// Failed records; empty if the whole batch was handled.
    pub batch_item_failures: Vec<BatchItemFailure<I>>,
}

/// One record that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure<I = String> {
    /// Identifier of the record: a sequence number, or a partition and an offset.
    pub item_identifier: I,
}

/// The batch failed and cannot be reported in part. The function returns this as its error, so that Lambda redelivers the
/// whole batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchFailed {
    /// Number of failed records that would have been reported.
    pub failures: usize,
}

impl std::fmt::Display for BatchFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { failures } = self;
        write!(f, "{failures} records failed and cannot be reported one by one, so the whole batch will be redelivered")
    }
}

impl std::error::Error for BatchFailed {}

impl BatchResponse {
    /// Creates a response that fails the whole batch of a stream: one failure with an empty sequence number.
    ///
    /// For failures that concern no single record. Lambda redelivers the batch as after a failed invocation, but counts
    /// no function error.
    pub fn whole_batch() -> Self {
        std::iter::once(String::new()).collect()
    }
}

impl BatchResponse<KafkaPosition> {
    /// Returns the response to a Kafka batch: the lowest failed offset of each partition. The error means that a failed
    /// record has no offset: the function must return it, so that the whole batch is redelivered.
    pub fn lowest_offsets(self) -> Result<Self, BatchFailed> {
        let failures = self.batch_item_failures.len();
        let mut lowest: Vec<KafkaPosition> = Vec::new();
        for position in self {
            if position.offset.is_none() {
                return Err(BatchFailed { failures });
            }
            match lowest.iter_mut().find(|known| known.partition == position.partition) {
                Some(known) => known.offset = known.offset.min(position.offset),
                None => lowest.push(position),
            }
        }
        Ok(lowest.into_iter().collect())
    }
}

impl BatchResponse<UnreportableMessage> {
    /// Returns the result of an invocation with a RabbitMQ batch: an error if any message failed.
    pub fn all_or_nothing(&self) -> Result<(), BatchFailed> {
        match self.batch_item_failures.len() {
            0 => Ok(()),
            failures => Err(BatchFailed { failures }),
        }
    }
}

impl BatchResponse<HubPosition> {
    /// Returns the response in the form of the batch's hub: unchanged for Kinesis, the lowest failed offset of each
    /// partition for Kafka, and without failures for RabbitMQ. The error means that the failures cannot be reported: the
    /// function must return it, so that the whole batch is redelivered.
    pub fn for_hub(self) -> Result<Self, BatchFailed> {
        let failures = self.batch_item_failures.len();
        let mut kafka = BatchResponse::<KafkaPosition>::default();
        let mut others = Self::default();
        for position in self {
            match position {
                HubPosition::Kinesis(_) => others.extend([position]),
                HubPosition::Kafka(position) => kafka.extend([position]),
                HubPosition::RabbitMq(_) => return Err(BatchFailed { failures }),
            }
        }
        others.extend(kafka.lowest_offsets()?.into_iter().map(HubPosition::Kafka));
        Ok(others)
    }
}

impl<I> Default for BatchResponse<I> {
    fn default() -> Self {
        Self { batch_item_failures: Vec::new() }
    }
}

impl<I> FromIterator<I> for BatchResponse<I> {
    fn from_iter<F: IntoIterator<Item = I>>(identifiers: F) -> Self {
        let mut response = Self::default();
        response.extend(identifiers);
        response
    }
}

/// Adds identifiers of failed records.
impl<I> Extend<I> for BatchResponse<I> {
    fn extend<F: IntoIterator<Item = I>>(&mut self, identifiers: F) {
        let failures = identifiers.into_iter().map(|item_identifier| BatchItemFailure { item_identifier });
        self.batch_item_failures.extend(failures);
    }
}

/// Yields the identifiers of failed records.
impl<I> IntoIterator for BatchResponse<I> {
    type Item = I;
    type IntoIter = std::iter::Map<std::vec::IntoIter<BatchItemFailure<I>>, fn(BatchItemFailure<I>) -> I>;

    fn into_iter(self) -> Self::IntoIter {
        self.batch_item_failures.into_iter().map(|failure| failure.item_identifier)
    }
}
