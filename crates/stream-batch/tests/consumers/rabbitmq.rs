//! Consumers of a RabbitMQ queue.

use stream_batch::{BatchFailed, Limits, Record, UnreportableMessage, process_records};

use crate::mapping::World;

type Entry = Record<u8, usize, UnreportableMessage>;

/// The correct consumer.
pub(crate) async fn correct(
    world: &World,
    batch: Vec<Entry>,
    limits: &Limits<impl Fn() -> bool>,
) -> Result<(), BatchFailed> {
    let processed = process_records(batch, limits, async |record: Entry| world.settle(&record).await).await;
    processed.response.all_or_nothing()
}

/// Returns success whatever failed, as if there were partial responses.
pub(crate) async fn acknowledges_failures(
    world: &World,
    batch: Vec<Entry>,
    limits: &Limits<impl Fn() -> bool>,
) -> Result<(), BatchFailed> {
    let _ = correct(world, batch, limits).await;
    Ok(())
}

/// Fails the invocation at the end, and continues with the key of a failed message before that.
pub(crate) async fn skips_failures(
    world: &World,
    batch: Vec<Entry>,
    _: &Limits<impl Fn() -> bool>,
) -> Result<(), BatchFailed> {
    let mut failures = 0;
    for record in batch {
        failures += usize::from(world.settle(&record).await.is_err());
    }
    if failures == 0 { Ok(()) } else { Err(BatchFailed { failures }) }
}

/// Fails the invocation only if it achieved nothing.
pub(crate) async fn fails_only_if_nothing_was_handled(
    world: &World,
    batch: Vec<Entry>,
    limits: &Limits<impl Fn() -> bool>,
) -> Result<(), BatchFailed> {
    let processed = process_records(batch, limits, async |record: Entry| world.settle(&record).await).await;
    if processed.handled.is_empty() { processed.response.all_or_nothing() } else { Ok(()) }
}
