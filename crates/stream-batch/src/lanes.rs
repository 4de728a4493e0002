//! Lanes: one key's records in order, many keys side by side.

use std::collections::HashMap;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt, stream};

use crate::BatchResponse;

/// One record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<K, T> {
    /// Records with the same key are handled in order.
    pub key: K,
    /// What the record is reported by. Where it is empty, reporting the record fails the batch as a whole, which loses
    /// nothing either.
    pub sequence_number: String,
    /// What there is to handle.
    pub payload: T,
}

/// How much may go on, and how long.
#[derive(Debug, Clone)]
pub struct Limits<M> {
    /// How many lanes are handled at once; at least one is.
    pub lanes_at_once_max: usize,
    /// Asked before anything is begun: whether there is time for it. See [`before`](crate::before).
    pub may_begin: M,
}

/// How far a lane came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// To its end.
    Done,
    /// The first so many of its records were handled, and the next one was not.
    StoppedAfter(usize),
}

/// Handles a batch lane by lane: `handle` is given a key and all its payloads, in order, and says how far it came.
///
/// This is for handlers that gain from seeing a lane whole: one that writes a lane in a single call, for example. Of a lane
/// whose handler panics nothing is known, so that it is reported from its first record.
pub async fn process_lanes<K, T, M, F>(
    records: impl IntoIterator<Item = Record<K, T>>,
    limits: &Limits<M>,
    handle: F,
) -> BatchResponse
where
    K: Eq + Hash + Clone,
    M: Fn() -> bool,
    F: AsyncFn(&K, Vec<T>) -> Progress,
{
    run(records, limits, async |lane: Vec<Record<K, T>>| {
        let Some(key) = lane.first().map(|record| record.key.clone()) else { return Progress::Done };
        let payloads = lane.into_iter().map(|record| record.payload).collect();
        let handled = async { handle(&key, payloads).await };
        caught(handled).await.unwrap_or(Progress::StoppedAfter(0))
    })
    .await
}

/// What the future comes to; `None` where it panics. What the panic left behind is not used again by this crate: the
/// records it concerns are only reported.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(future).catch_unwind().await.ok()
}

/// Runs `lane` for each lane, and reports what it did not come to, in the order of the batch.
pub(crate) async fn run<K, T, M, F>(
    records: impl IntoIterator<Item = Record<K, T>>,
    limits: &Limits<M>,
    lane: F,
) -> BatchResponse
where
    K: Eq + Hash + Clone,
    M: Fn() -> bool,
    F: AsyncFn(Vec<Record<K, T>>) -> Progress,
{
    let run = async |Lane { places, records }: Lane<K, T>| {
        let mut numbers: Vec<_> = records.iter().map(|record| record.sequence_number.clone()).collect();
        let progress = if (limits.may_begin)() { lane(records).await } else { Progress::StoppedAfter(0) };
        match progress {
            Progress::Done => None,
            // A handler that claims more than there was is not believed: its lane comes again from its last record.
            Progress::StoppedAfter(handled) => {
                let first_failed = handled.min(numbers.len() - 1);
                Some((places[first_failed], numbers.swap_remove(first_failed)))
            }
        }
    };
    let lanes = stream::iter(into_lanes(records)).map(&run).buffer_unordered(limits.lanes_at_once_max.max(1));
    let mut failures: Vec<_> = lanes.filter_map(async |failure| failure).collect().await;
    failures.sort_unstable();
    failures.into_iter().map(|(_, sequence_number)| sequence_number).collect()
}

/// One key's records, and where each was in the batch. There is at least one.
struct Lane<K, T> {
    places: Vec<usize>,
    records: Vec<Record<K, T>>,
}

/// The lanes, in the order of their first records, so that what arrived first is begun first.
fn into_lanes<K: Eq + Hash + Clone, T>(records: impl IntoIterator<Item = Record<K, T>>) -> Vec<Lane<K, T>> {
    let mut lane_of: HashMap<K, usize> = HashMap::new();
    let mut lanes: Vec<Lane<K, T>> = Vec::new();
    for (place, record) in records.into_iter().enumerate() {
        let lane = *lane_of.entry(record.key.clone()).or_insert_with(|| {
            lanes.push(Lane { places: Vec::new(), records: Vec::new() });
            lanes.len() - 1
        });
        lanes[lane].places.push(place);
        lanes[lane].records.push(record);
    }
    lanes
}
