//! Lanes: one key's records in order, many keys side by side.

use std::collections::HashMap;
use std::hash::Hash;

use futures::{StreamExt, stream};

use crate::BatchResponse;

/// One record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<K, T> {
    /// Records with the same key are handled in order.
    pub key: K,
    /// What the record is reported by.
    pub sequence_number: String,
    /// What there is to handle.
    pub payload: T,
}

/// How much may go on, and how long.
#[derive(Debug, Clone)]
pub struct Limits<M> {
    /// How many lanes are handled at once; at least one is.
    pub lanes_at_once_max: usize,
    /// Asked before a lane is begun: whether there is time for it. See [`before`](crate::before).
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
/// This is for handlers that gain from seeing a lane whole: one that writes only the newest of a key, for example.
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
    let run = async |lane: Lane<K, T>| {
        let Lane { key, mut sequence_numbers, payloads } = lane;
        let progress = if (limits.may_begin)() { handle(&key, payloads).await } else { Progress::StoppedAfter(0) };
        match progress {
            Progress::Done => None,
            // A handler that claims more than there was is not believed: its lane comes again from its last record.
            Progress::StoppedAfter(handled) => {
                let first_failed = handled.min(sequence_numbers.len() - 1);
                Some(sequence_numbers.swap_remove(first_failed))
            }
        }
    };
    let failures = stream::iter(into_lanes(records)).map(&run).buffer_unordered(limits.lanes_at_once_max.max(1));
    failures.filter_map(async |failure| failure).collect::<Vec<_>>().await.into_iter().collect()
}

/// Handles a batch record by record: `handle` is given a key and one payload, and the key's next record only once it
/// succeeded. `may_begin` is asked before each record.
///
/// An error is only that here, a sign to stop the lane: whoever returns it logs it, and knows what to log.
pub async fn process_records<K, T, E, M, F>(
    records: impl IntoIterator<Item = Record<K, T>>,
    limits: &Limits<M>,
    handle: F,
) -> BatchResponse
where
    K: Eq + Hash + Clone,
    M: Fn() -> bool,
    F: AsyncFn(&K, T) -> Result<(), E>,
{
    process_lanes(records, limits, async |key: &K, payloads: Vec<T>| {
        for (handled, payload) in payloads.into_iter().enumerate() {
            if !(limits.may_begin)() || handle(key, payload).await.is_err() {
                return Progress::StoppedAfter(handled);
            }
        }
        Progress::Done
    })
    .await
}

/// One key's records. There is at least one.
struct Lane<K, T> {
    key: K,
    sequence_numbers: Vec<String>,
    payloads: Vec<T>,
}

/// The lanes, in the order of their first records, so that what arrived first is begun first.
fn into_lanes<K: Eq + Hash + Clone, T>(records: impl IntoIterator<Item = Record<K, T>>) -> Vec<Lane<K, T>> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut lanes: Vec<Lane<K, T>> = Vec::new();
    for Record { key, sequence_number, payload } in records {
        let place = *places.entry(key).or_insert_with_key(|key| {
            lanes.push(Lane { key: key.clone(), sequence_numbers: Vec::new(), payloads: Vec::new() });
            lanes.len() - 1
        });
        lanes[place].sequence_numbers.push(sequence_number);
        lanes[place].payloads.push(payload);
    }
    lanes
}
