//! Consumers of a shard of a stream.

use stream_batch::{BatchResponse, Limits, NotHandled, Record, process_records};

use crate::mapping::{Failure, World};

type Entry = Record<u8, usize>;

/// The correct consumer.
pub(crate) async fn correct(world: &World, batch: Vec<Entry>, limits: &Limits<impl Fn() -> bool>) -> BatchResponse {
    process_records(batch, limits, async |record: Entry| world.settle(&record).await).await.response
}

/// Reports failures, and continues with the same key.
pub(crate) async fn skips_failures(world: &World, batch: Vec<Entry>, _: &Limits<impl Fn() -> bool>) -> BatchResponse {
    let mut failed = Vec::new();
    for record in batch {
        if world.settle(&record).await.is_err() {
            failed.push(record.identifier);
        }
    }
    failed.into_iter().collect()
}

/// Stops at a failure, and reports none.
pub(crate) async fn acknowledges_failures(
    world: &World,
    batch: Vec<Entry>,
    _: &Limits<impl Fn() -> bool>,
) -> BatchResponse {
    for record in batch {
        if world.settle(&record).await.is_err() {
            break;
        }
    }
    BatchResponse::default()
}

/// Reports only the last failure, although the lowest counts.
pub(crate) async fn reports_the_last(
    world: &World,
    batch: Vec<Entry>,
    limits: &Limits<impl Fn() -> bool>,
) -> BatchResponse {
    correct(world, batch, limits).await.into_iter().next_back().into_iter().collect()
}

/// Treats a record that could not be quarantined as handled.
pub(crate) async fn ignores_quarantine_failures(
    world: &World,
    batch: Vec<Entry>,
    limits: &Limits<impl Fn() -> bool>,
) -> BatchResponse {
    process_records(batch, limits, async |record: Entry| match world.handle(&record).await {
        Ok(()) => Ok(()),
        Err(Failure::Transient) => Err(NotHandled),
        Err(Failure::Permanent) => {
            let _ = world.quarantine(&record).await;
            Ok(())
        }
    })
    .await
    .response
}

/// Handles all records concurrently, whatever their keys.
pub(crate) async fn ignores_keys(
    world: &World,
    batch: Vec<Entry>,
    limits: &Limits<impl Fn() -> bool>,
) -> BatchResponse {
    let each = batch.into_iter().enumerate().map(|(n, record)| {
        let identifier = record.identifier.clone();
        Record { key: n, identifier, payload: record }
    });
    process_records(each, limits, async |each: Record<usize, Entry>| world.settle(&each.payload).await).await.response
}

/// Does not report the records that it has no time for.
pub(crate) async fn ignores_unstarted_records(
    world: &World,
    batch: Vec<Entry>,
    limits: &Limits<impl Fn() -> bool>,
) -> BatchResponse {
    for record in batch {
        if !(limits.may_begin)() {
            return BatchResponse::default();
        }
        if world.settle(&record).await.is_err() {
            return std::iter::once(record.identifier).collect();
        }
    }
    BatchResponse::default()
}
