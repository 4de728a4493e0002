//! Batch processing in lanes: records of one key in order, different keys concurrently.

use std::collections::HashMap;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt, stream};

use crate::{BatchResponse, ItemIdentifier};

/// One record of a batch. `I` is its identifier, by default a sequence number of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<K, T, I = String> {
    /// Records with the same key are handled in order.
    pub key: K,
    /// Identifier by which a failure is reported. If a sequence number is empty, reporting the record fails the whole
    /// batch, which loses nothing either.
    pub identifier: I,
    /// The content to handle.
    pub payload: T,
}

/// Bounds on concurrency and time.
#[derive(Debug, Clone)]
pub struct Limits<M> {
    /// Maximum number of lanes handled concurrently; 0 counts as 1.
    pub lanes_at_once_max: usize,
    /// Returns true while there is time to start another record. See [`before`](crate::before).
    pub may_begin: M,
}

/// The record was neither handled nor quarantined. Its lane stops there; the record is reported and will be
/// redelivered.
///
/// The handler logs the cause before it returns this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotHandled;

/// Result of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processed<R, I = String> {
    /// Results of the records that were handled, in the order of the batch.
    pub handled: Vec<R>,
    /// The first record of each lane that was not handled, in the order of the batch. If a lane has records of several
    /// partitions, the first of each.
    pub response: BatchResponse<I>,
}

/// Handles a batch record by record: `handle` gets one record, and the key's next record after this one was handled.
/// [`Limits::may_begin`] is called before each record.
///
/// The handler quarantines a record that can never be handled; after that the record counts as handled. A record whose
/// handler panics is reported, and its lane stops there.
///
/// ```
/// use stream_batch::{Limits, NotHandled, Record, process_records};
///
/// # futures::executor::block_on(async {
/// let record = |key: &str, sequence_number: &str, payload: u32| {
///     Record { key: key.to_owned(), identifier: sequence_number.to_owned(), payload }
/// };
/// let batch = [record("a", "101", 1), record("b", "102", 2), record("a", "103", 3), record("b", "104", 4)];
/// let limits = Limits { lanes_at_once_max: 16, may_begin: || true };
/// let processed = process_records(batch, &limits, async |record: Record<String, u32>| {
///     if record.payload == 2 { Err(NotHandled) } else { Ok(record.payload) }
/// })
/// .await;
/// // Key b stopped at its first record; key a continued.
/// assert_eq!(processed.handled, [1, 3]);
/// assert_eq!(serde_json::to_string(&processed.response)?, r#"{"batchItemFailures":[{"itemIdentifier":"102"}]}"#);
/// # Ok::<(), serde_json::Error>(())
/// # })?;
/// # Ok::<(), serde_json::Error>(())
/// ```
pub async fn process_records<K, T, I, R, M, F>(
    records: impl IntoIterator<Item = Record<K, T, I>>,
    limits: &Limits<M>,
    handle: F,
) -> Processed<R, I>
where
    K: Eq + Hash + Clone,
    I: ItemIdentifier,
    M: Fn() -> bool,
    F: AsyncFn(Record<K, T, I>) -> Result<R, NotHandled>,
{
    let process = async |lane: Lane<K, T, I>| {
        let mut handled = Vec::with_capacity(lane.len());
        let mut rest = lane.into_iter();
        while let Some((place, record)) = rest.next() {
            let identifier = record.identifier.clone();
            let result = if (limits.may_begin)() { caught(async { handle(record).await }).await } else { None };
            let Some(Ok(result)) = result else {
                let rest = rest.map(|(place, record)| (place, record.identifier));
                return LaneEnd { handled, failed: first_of_each_checkpoint((place, identifier), rest) };
            };
            handled.push((place, result));
        }
        LaneEnd { handled, failed: Vec::new() }
    };
    let lanes = stream::iter(into_lanes(records)).map(&process).buffer_unordered(limits.lanes_at_once_max.max(1));
    let (mut handled, mut failed) = (Vec::new(), Vec::new());
    for end in lanes.collect::<Vec<_>>().await {
        handled.extend(end.handled);
        failed.extend(end.failed);
    }
    handled.sort_unstable_by_key(|(place, _)| *place);
    failed.sort_unstable_by_key(|(place, _)| *place);
    Processed {
        handled: handled.into_iter().map(|(_, result)| result).collect(),
        response: failed.into_iter().map(|(_, identifier)| identifier).collect(),
    }
}

/// One key's records, each with its position in the batch.
type Lane<K, T, I> = Vec<(usize, Record<K, T, I>)>;

/// Outcome of a lane, by positions in the batch.
struct LaneEnd<R, I> {
    handled: Vec<(usize, R)>,
    /// The record that the lane stopped at, and the first record after it of every other partition.
    failed: Vec<(usize, I)>,
}

/// Returns `first`, and of the `rest` of its lane the first record of every other checkpoint: Lambda moves each
/// checkpoint by itself, so a partition without a report would be acknowledged as a whole.
fn first_of_each_checkpoint<I: ItemIdentifier>(
    first: (usize, I),
    rest: impl Iterator<Item = (usize, I)>,
) -> Vec<(usize, I)> {
    let mut reported = vec![first];
    for (place, identifier) in rest {
        if !reported.iter().any(|(_, known)| known.shares_checkpoint_with(&identifier)) {
            reported.push((place, identifier));
        }
    }
    reported
}

/// Returns the future's output, or `None` if it panics. Unwind safety is asserted: after a panic the record is only
/// reported, and nothing that the handler left behind is used.
async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(future).catch_unwind().await.ok()
}

/// Groups records into lanes, sorted by each lane's first record, so that earlier records start first.
fn into_lanes<K: Eq + Hash + Clone, T, I>(records: impl IntoIterator<Item = Record<K, T, I>>) -> Vec<Lane<K, T, I>> {
    let mut lane_of: HashMap<K, usize> = HashMap::new();
    let mut lanes: Vec<Lane<K, T, I>> = Vec::new();
    for (place, record) in records.into_iter().enumerate() {
        let lane = *lane_of.entry(record.key.clone()).or_insert(lanes.len());
        match lanes.get_mut(lane) {
            Some(lane) => lane.push((place, record)),
            None => lanes.push(vec![(place, record)]),
        }
    }
    lanes
}
