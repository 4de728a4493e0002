//! Delivery of batches: invokes the function until every record is handled or discarded.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::Value;

use super::batch::{Batch, StreamRecord};
use super::core::{MappingCore, Stopped};
use super::decide::{BatchOutcome, Decision, Delivery, RetryPolicy};
use super::failures::FailedBatch;
use super::ledger::Ticket;
use super::on_failure::{DiscardCondition, DiscardedRecords};
use super::progress::add;
use super::response::outcome_of;
use crate::lambda::InvokeError;

/// Differences between the sources that have positions: streams and topics.
pub(super) trait Deliverer {
    /// Returns the mapping.
    fn core(&self) -> &MappingCore;

    /// Returns the event to invoke the function with.
    fn event_of(&self, records: &[&StreamRecord]) -> String;

    /// Returns the index of the record that an item identifier of a partial batch response names.
    fn position_of(&self, identifier: &Value, records: &[&StreamRecord]) -> Option<usize>;

    /// Returns the field of an invocation record that describes the batch, with its name.
    fn batch_info(&self, records: &[&StreamRecord], payload: &str) -> (&'static str, Value);

    /// Settles records, and saves the checkpoints that have advanced.
    fn settle(&self, settled: &[(Ticket, &StreamRecord)]);
}

/// Outcome of an invocation, with its error if it failed.
struct Invoked {
    outcome: BatchOutcome,
    error: Option<InvokeError>,
}

/// Delivers a batch. It ends when every record is handled or discarded.
pub(super) async fn deliver(deliverer: &impl Deliverer, batch: &Batch) -> Result<(), Stopped> {
    let core = deliverer.core();
    let policy = RetryPolicy { bisect: core.spec.bisect, retries_max: core.spec.retries_max };
    let mut delivery = Delivery::new(batch.records.len(), policy);
    let mut invocations = 0;
    while let Some(piece) = delivery.next() {
        if core.stop.is_cancelled() {
            return Err(Stopped);
        }
        let records: Vec<&StreamRecord> = batch.records_at(piece);
        let old = too_old(core, &records);
        if !old.is_empty() {
            let decision = delivery.expire(&old);
            apply(deliverer, batch, &decision, DiscardCondition::RecordAgeExceeded, invocations, None);
            continue;
        }
        invocations += 1;
        let Invoked { outcome, error } = invoke(deliverer, &records).await?;
        if outcome != BatchOutcome::Throttled {
            add(&core.progress.batches, 1);
            add(&core.progress.retries, usize::from(invocations > 1));
            add(&core.progress.failures, usize::from(outcome != BatchOutcome::Succeeded));
        }
        let decision = delivery.record_outcome(outcome);
        apply(deliverer, batch, &decision, DiscardCondition::RetryAttemptsExhausted, invocations, error);
        if let Some(number) = decision.pause {
            core.pause(core.retry.delay(number)).await?;
        }
    }
    Ok(())
}

async fn invoke(deliverer: &impl Deliverer, records: &[&StreamRecord]) -> Result<Invoked, Stopped> {
    let core = deliverer.core();
    let result = core.function.invoke(Bytes::from(deliverer.event_of(records))).await;
    let without_error = |outcome| Invoked { outcome, error: None };
    Ok(match result {
        Ok(response) if core.spec.reports_item_failures => {
            let shards: Vec<&str> = records.iter().map(|record| &*record.shard).collect();
            without_error(outcome_of(&response, &shards, |identifier| deliverer.position_of(identifier, records)))
        }
        Ok(_) => without_error(BatchOutcome::Succeeded),
        Err(InvokeError::Stopping) => return Err(Stopped),
        Err(InvokeError::Throttled) => without_error(BatchOutcome::Throttled),
        Err(error) => {
            core.warn(&format!("batch of {} records failed: {error}", records.len()));
            Invoked { outcome: BatchOutcome::Failed, error: Some(error) }
        }
    })
}

fn apply(
    deliverer: &impl Deliverer,
    batch: &Batch,
    decision: &Decision,
    condition: DiscardCondition,
    invocations: u32,
    error: Option<InvokeError>,
) {
    let progress = &deliverer.core().progress;
    add(&progress.records, decision.handled.len());
    if !decision.discarded.is_empty() {
        add(&progress.given_up, decision.discarded.len());
        discard(deliverer, &batch.records_at(&decision.discarded), condition, invocations, error);
    }
    let settled = decision.handled.iter().chain(&decision.discarded);
    let settled: Vec<_> =
        settled.filter_map(|index| Some((*batch.tickets.get(*index)?, batch.records.get(*index)?))).collect();
    deliverer.settle(&settled);
}

fn discard(
    deliverer: &impl Deliverer,
    records: &[&StreamRecord],
    condition: DiscardCondition,
    invocations: u32,
    error: Option<InvokeError>,
) {
    let core = deliverer.core();
    let discarded = DiscardedRecords { records, condition, invocations, error, function_arn: &core.function.arn };
    let destination = if core.spec.on_failure.is_some() {
        "see /_local/failures"
    } else {
        "the mapping has no on-failure destination"
    };
    core.warn(&format!("discarded {}; {destination}", discarded.summary()));
    if let Some(bucket) = core.spec.on_failure.clone() {
        let payload = deliverer.event_of(records);
        let record = discarded.invocation_record(&payload, deliverer.batch_info(records, &payload));
        core.failures.push(FailedBatch { bucket, event_source: core.spec.id.clone(), record });
    }
}

/// Discards a record that does not fit into an event.
pub(super) fn discard_oversized(deliverer: &impl Deliverer, record: &StreamRecord) {
    add(&deliverer.core().progress.given_up, 1);
    discard(deliverer, &[record], DiscardCondition::MaximumPayloadSizeExceeded, 0, None);
}

/// Returns the indexes of the records that exceed the maximum age.
fn too_old(core: &MappingCore, records: &[&StreamRecord]) -> Vec<usize> {
    let Some(age_max) = core.spec.record_age_max else { return Vec::new() };
    let now = SystemTime::now() + core.clock_ahead;
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let is_old = |record: &StreamRecord| now - record.arrived_at > age_max.as_secs_f64();
    records.iter().enumerate().filter(|(_, record)| is_old(record)).map(|(index, _)| index).collect()
}
