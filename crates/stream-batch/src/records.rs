//! Record by record: what a handler says of each, and what becomes of it.

use std::convert::Infallible;
use std::hash::Hash;

use crate::lanes::{caught, run};
use crate::{BatchResponse, Limits, Progress, Record};

/// Why a record was not handled, and whether trying again could help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure<E> {
    /// It could: a database did not answer. The lane stops here and the record is reported, to be delivered again.
    ///
    /// Whoever returns this logs what happened: here it is only a sign to stop.
    Transient,
    /// It could not, however often: the record cannot be read, or says what makes no sense. It goes to the [`Sink`], for
    /// this reason, and the lane goes on.
    Permanent(E),
}

/// Where records go that can never be handled: a quarantine table, a queue for people to look into.
pub trait Sink<K, T, E> {
    /// Why a record could not be set aside. Whoever returns one logs it.
    type Error;

    /// Keeps the record. It counts as handled only once this has succeeded; after an error it is reported and comes again,
    /// and so it may after a success. So this must be safe to repeat.
    fn set_aside(&self, record: &Record<K, T>, reason: &E) -> impl Future<Output = Result<(), Self::Error>>;
}

/// The sink of handlers that never give up on a record.
impl<K, T> Sink<K, T, Infallible> for () {
    type Error = Infallible;

    async fn set_aside(&self, _: &Record<K, T>, _: &Infallible) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Handles a batch record by record: `handle` is given one record, and the key's next one only once this one is handled or
/// in the `sink`. [`Limits::may_begin`] is asked before each.
///
/// A record whose handler or sink panics is reported like one that failed for a while, and its lane stops there.
///
/// ```
/// use std::cell::RefCell;
/// use stream_batch::{Failure, Limits, Record, process_records};
///
/// # futures::executor::block_on(async {
/// let record = |key: &str, sequence_number: &str, payload: u32| {
///     Record { key: key.to_owned(), sequence_number: sequence_number.to_owned(), payload }
/// };
/// let batch = [record("a", "101", 1), record("b", "102", 2), record("a", "103", 3), record("b", "104", 4)];
/// let handled = RefCell::new(Vec::new());
/// let limits = Limits { lanes_at_once_max: 16, may_begin: || true };
/// let response = process_records(batch, &limits, &(), async |record: &Record<String, u32>| {
///     if record.payload == 2 {
///         return Err(Failure::Transient);
///     }
///     handled.borrow_mut().push(record.payload);
///     Ok(())
/// })
/// .await;
/// // Key b stopped at its first record and key a went on.
/// assert_eq!(handled.into_inner(), [1, 3]);
/// assert_eq!(serde_json::to_string(&response)?, r#"{"batchItemFailures":[{"itemIdentifier":"102"}]}"#);
/// # Ok::<(), serde_json::Error>(())
/// # })?;
/// # Ok::<(), serde_json::Error>(())
/// ```
pub async fn process_records<K, T, E, M, S, F>(
    records: impl IntoIterator<Item = Record<K, T>>,
    limits: &Limits<M>,
    sink: &S,
    handle: F,
) -> BatchResponse
where
    K: Eq + Hash + Clone,
    M: Fn() -> bool,
    S: Sink<K, T, E>,
    F: AsyncFn(&Record<K, T>) -> Result<(), Failure<E>>,
{
    let is_settled = async |record: &Record<K, T>| match handle(record).await {
        Ok(()) => true,
        Err(Failure::Transient) => false,
        Err(Failure::Permanent(reason)) => sink.set_aside(record, &reason).await.is_ok(),
    };
    run(records, limits, async |lane: Vec<Record<K, T>>| {
        for (settled, record) in lane.into_iter().enumerate() {
            if !(limits.may_begin)() || !caught(is_settled(&record)).await.unwrap_or(false) {
                return Progress::StoppedAfter(settled);
            }
        }
        Progress::Done
    })
    .await
}
