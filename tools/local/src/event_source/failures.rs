//! Failed batches. In place of the S3 bucket, a list that `GET /_local/failures` returns;
//! `DELETE /_local/failures/{request id}` removes a batch, as a redrive does with the object in the bucket.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Maximum length of the list; then the oldest batches are dropped.
const KEPT_MAX: usize = 1_000;

/// Failed batches of all event source mappings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Failures {
    /// Batches, newest last.
    pub failures: VecDeque<FailedBatch>,
    /// Number of older batches that were dropped from the list.
    pub forgotten: u64,
}

/// Discarded records of a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FailedBatch {
    /// Physical name of the bucket of the on-failure destination.
    pub bucket: String,
    /// Event source mapping: its logical id.
    pub event_source: String,
    /// Invocation record, as the object in the bucket would hold it: request and response context, batch info, payload.
    pub record: serde_json::Value,
}

/// Shared list of failed batches.
#[derive(Debug, Default)]
pub(crate) struct FailureList(Mutex<Failures>);

impl FailureList {
    pub(super) fn push(&self, batch: FailedBatch) {
        let mut list = self.0.lock();
        if list.failures.len() == KEPT_MAX {
            list.failures.pop_front();
            list.forgotten += 1;
        }
        list.failures.push_back(batch);
    }

    /// Removes the batch with this request id. Returns true if it was in the list.
    pub(crate) fn remove(&self, request_id: &str) -> bool {
        let mut list = self.0.lock();
        let before = list.failures.len();
        list.failures.retain(|batch| batch.record["requestContext"]["requestId"] != request_id);
        list.failures.len() < before
    }

    pub(crate) fn all(&self) -> Failures {
        self.0.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_bounded_and_counts_dropped_batches() {
        let list = FailureList::default();
        for number in 0..KEPT_MAX + 3 {
            let (bucket, event_source) = ("FailuresBucket".to_owned(), "OrderProjectorPaid".to_owned());
            list.push(FailedBatch { bucket, event_source, record: number.into() });
        }
        let all = list.all();
        assert_eq!((all.failures.len(), all.forgotten), (KEPT_MAX, 3));
        assert_eq!(all.failures.back().unwrap().record, KEPT_MAX + 2);
    }
}
