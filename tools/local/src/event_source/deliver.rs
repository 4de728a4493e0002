//! Delivery of batches: invokes the function until every record is handled or discarded.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::Mutex;

use super::Mapping;
use super::batch::{Batch, event_of};
use super::decide::{BatchOutcome, Decision, Delivery, RetryPolicy};
use super::failures::FailedBatch;
use super::ledger::Ledger;
use super::on_failure::{DiscardCondition, DiscardedRecords};
use super::progress::add;
use super::response::outcome_of;
use super::source::StreamRecord;
use crate::lambda::InvokeError;

/// Delivery of the batches of one shard, concurrently if `ParallelizationFactor` is above 1.
pub(super) struct ShardDelivery {
    pub(super) mapping: Arc<Mapping>,
    pub(super) id: String,
    pub(super) ledger: Mutex<Ledger>,
}

/// The environment is stopping; the delivery was abandoned.
pub(super) struct Stopped;

/// Outcome of an invocation, with its error if it failed.
struct Invoked {
    outcome: BatchOutcome,
    error: Option<InvokeError>,
}

impl ShardDelivery {
    pub(super) fn new(mapping: Arc<Mapping>, id: String) -> Self {
        let ledger = Ledger::new(mapping.spec.batch_size, mapping.spec.parallelization_factor);
        Self { mapping, id, ledger: Mutex::new(ledger) }
    }

    pub(super) async fn deliver(&self, batch: &Batch) -> Result<(), Stopped> {
        let (spec, progress) = (&self.mapping.spec, &self.mapping.progress);
        let policy = RetryPolicy { bisect: spec.bisect, retries_max: spec.retries_max };
        let mut delivery = Delivery::new(batch.records.len(), policy);
        let mut invocations = 0;
        while let Some(piece) = delivery.next() {
            if self.mapping.stop.is_cancelled() {
                return Err(Stopped);
            }
            let old = self.count_too_old(&batch.records[piece.clone()]);
            if old > 0 {
                let decision = delivery.expire(old);
                self.apply(batch, &decision, DiscardCondition::RecordAgeExceeded, invocations, None);
                continue;
            }
            invocations += 1;
            let Invoked { outcome, error } = self.invoke(&batch.records[piece]).await?;
            if outcome != BatchOutcome::Throttled {
                add(&progress.batches, 1);
                add(&progress.retries, usize::from(invocations > 1));
                add(&progress.failures, usize::from(outcome != BatchOutcome::Succeeded));
            }
            let decision = delivery.record_outcome(outcome);
            self.apply(batch, &decision, DiscardCondition::RetryAttemptsExhausted, invocations, error);
            if let Some(number) = decision.pause {
                self.pause(self.mapping.retry.delay(number)).await?;
            }
        }
        Ok(())
    }

    async fn invoke(&self, records: &[StreamRecord]) -> Result<Invoked, Stopped> {
        let result = self.mapping.function.invoke(Bytes::from(event_of(records))).await;
        let without_error = |outcome| Invoked { outcome, error: None };
        Ok(match result {
            Ok(response) if self.mapping.spec.reports_item_failures => {
                let numbers: Vec<&str> = records.iter().map(|record| record.sequence_number.as_str()).collect();
                without_error(outcome_of(&response, &numbers))
            }
            Ok(_) => without_error(BatchOutcome::Succeeded),
            Err(InvokeError::Stopping) => return Err(Stopped),
            Err(InvokeError::Throttled) => without_error(BatchOutcome::Throttled),
            Err(error) => {
                self.mapping.log.warn(&format!(
                    "{}: batch of {} records failed: {error}",
                    self.mapping.spec.id,
                    records.len()
                ));
                Invoked { outcome: BatchOutcome::Failed, error: Some(error) }
            }
        })
    }

    fn apply(
        &self,
        batch: &Batch,
        decision: &Decision,
        condition: DiscardCondition,
        invocations: u32,
        error: Option<InvokeError>,
    ) {
        let progress = &self.mapping.progress;
        add(&progress.records, decision.handled.len());
        if !decision.discarded.is_empty() {
            add(&progress.given_up, decision.discarded.len());
            self.discard(&batch.records, decision.discarded.clone(), condition, invocations, error);
        }
        let mut ledger = self.ledger.lock();
        for settled in [&decision.handled, &decision.discarded] {
            ledger.settle(&batch.tickets[settled.clone()]);
        }
        self.save_checkpoint(&mut ledger);
    }

    /// Saves the checkpoint of the shard if it has advanced.
    pub(super) fn save_checkpoint(&self, ledger: &mut Ledger) {
        if let Some(number) = ledger.advance()
            && let Err(error) = self.mapping.progress.save_checkpoint(&self.id, &number)
        {
            self.mapping.log.warn(&format!("{}: the checkpoint was not saved: {error}", self.mapping.spec.id));
        }
    }

    fn discard(
        &self,
        batch: &[StreamRecord],
        range: Range<usize>,
        condition: DiscardCondition,
        invocations: u32,
        error: Option<InvokeError>,
    ) {
        let mapping = &self.mapping;
        let discarded = DiscardedRecords {
            records: &batch[range],
            condition,
            invocations,
            error,
            function_arn: &mapping.function.arn,
            stream_arn: mapping.source.arn(),
            batch_info_name: mapping.source.batch_info_name(),
            shard: &self.id,
        };
        let destination = if mapping.spec.on_failure.is_some() {
            "see /_local/failures"
        } else {
            "the mapping has no on-failure destination"
        };
        mapping.log.warn(&format!("{}: discarded {}; {destination}", mapping.spec.id, discarded.summary()));
        if let Some(bucket) = mapping.spec.on_failure.clone() {
            let record = discarded.invocation_record(&event_of(discarded.records));
            mapping.failures.push(FailedBatch { bucket, event_source: mapping.spec.id.clone(), record });
        }
    }

    /// Returns the number of records at the front that exceed the maximum age.
    fn count_too_old(&self, records: &[StreamRecord]) -> usize {
        let Some(age_max) = self.mapping.spec.record_age_max else { return 0 };
        let now = SystemTime::now() + self.mapping.clock_ahead;
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        records.iter().take_while(|record| now - record.arrived_at > age_max.as_secs_f64()).count()
    }

    pub(super) async fn pause(&self, duration: Duration) -> Result<(), Stopped> {
        self.mapping.stop.run_until_cancelled(tokio::time::sleep(duration)).await.ok_or(Stopped)
    }
}
