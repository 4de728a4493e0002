//! What mappings gave up on: in place of the bucket, a list that `GET /_local/failures` shows.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// The oldest are forgotten when there are more.
const KEPT_MAX: usize = 1_000;

/// The list, newest last.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Failures {
    /// The batches, newest last.
    pub failures: VecDeque<FailedBatch>,
    /// How many more there were, which are forgotten.
    pub forgotten: u64,
}

/// One batch that was given up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FailedBatch {
    /// The physical name of the bucket it would be in.
    pub bucket: String,
    /// Which mapping gave it up: `<function>/<event>`.
    pub event_source: String,
    /// What the object in the bucket would hold: the request, the response, the batch, and the payload.
    pub record: serde_json::Value,
}

/// The list while it is filled.
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

    pub(crate) fn all(&self) -> Failures {
        self.0.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_bounded_and_says_what_it_forgot() {
        let list = FailureList::default();
        for number in 0..KEPT_MAX + 3 {
            let (bucket, event_source) = ("FailuresBucket".to_owned(), "OrderProjector/Paid".to_owned());
            list.push(FailedBatch { bucket, event_source, record: number.into() });
        }
        let all = list.all();
        assert_eq!((all.failures.len(), all.forgotten), (KEPT_MAX, 3));
        assert_eq!(all.failures.back().unwrap().record, KEPT_MAX + 2);
    }
}
