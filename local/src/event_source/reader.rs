//! Reads one shard in order: gathers a batch, delivers it until all of it is settled, and only then takes the next.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::time::Instant;

use super::Mapping;
use super::decide::{Decision, Delivery, Outcome, Rules};
use super::failures::FailedBatch;
use super::give_up::{Condition, GivenUp};
use super::progress::add;
use super::response::outcome_of;
use super::source::{Record, Wake};
use crate::emulators::EmulatorError;
use crate::lambda::{InvokeError, PAYLOAD_BYTES_MAX};

/// The event around the records.
const EVENT_START: &str = "{\"Records\":[";
const EVENT_END: &str = "]}";
/// How long to wait before reading again what could not be read.
const READ_PAUSE: Duration = Duration::from_secs(1);

/// A shard, and where its reader is.
pub(super) struct ShardReader {
    mapping: Arc<Mapping>,
    shard: String,
    iterator: String,
    buffer: VecDeque<Record>,
    wake: Wake,
    is_closed: bool,
}

/// The environment is stopping.
struct Stopped;

impl ShardReader {
    pub(super) fn new(mapping: Arc<Mapping>, shard: String, iterator: String) -> Self {
        let wake = mapping.source.wake();
        Self { mapping, shard, iterator, buffer: VecDeque::new(), wake, is_closed: false }
    }

    /// Reads until the shard is closed and read to its end (then gives its id), or until told to stop.
    pub(super) async fn run(mut self) -> Option<String> {
        // It may have been closed before it was ever read.
        self.is_closed = self.look_whether_closed().await;
        while let Ok(Some(batch)) = self.gather().await {
            if self.deliver(&batch).await.is_err() {
                return None;
            }
        }
        if self.mapping.stop.is_told() {
            return None;
        }
        self.mapping.progress.finish(&self.shard);
        Some(self.shard)
    }

    /// The next batch, or `None` at the end of a closed shard.
    async fn gather(&mut self) -> Result<Option<Vec<Record>>, Stopped> {
        let mut until = None;
        loop {
            if self.mapping.stop.is_told() {
                return Err(Stopped);
            }
            self.wake.mark();
            let read = match self.read().await {
                Ok(read) => read,
                Err(error) => {
                    self.mapping.log.warn(&format!("{}: {error}", self.mapping.spec.id));
                    self.pause(READ_PAUSE).await?;
                    continue;
                }
            };
            if self.buffer.is_empty() {
                if self.is_closed {
                    return Ok(None);
                }
                if self.wake.has_resharded() && self.look_whether_closed().await {
                    // What was written before it was closed may have come after this read.
                    self.is_closed = true;
                    continue;
                }
            }
            let now = Instant::now();
            let window_ends = *until.get_or_insert(now + self.mapping.spec.batching_window);
            let size = self.batch_size();
            let is_full = size < self.buffer.len() || size == self.mapping.spec.batch_size;
            let waits_no_longer =
                now >= window_ends || self.mapping.draining.is_told() || (self.is_closed && read == 0);
            if !self.buffer.is_empty() && (is_full || waits_no_longer) {
                return Ok(Some(self.buffer.drain(..size).collect()));
            }
            if self.buffer.is_empty() {
                // The window begins with the first record.
                until = None;
            }
            let window = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            // Draining only shortens a window.
            let drained = async {
                if until.is_some() { self.mapping.draining.told().await } else { std::future::pending().await }
            };
            tokio::select! {
                () = self.wake.wait() => {}
                () = window => {}
                () = drained => {}
                () = self.mapping.stop.told() => {}
            }
        }
    }

    /// Adds to the buffer what there is, up to the batch size, and says how much that was.
    async fn read(&mut self) -> Result<usize, EmulatorError> {
        let room = self.mapping.spec.batch_size.saturating_sub(self.buffer.len());
        if room == 0 {
            return Ok(0);
        }
        let page = self.mapping.source.read(&self.shard, &self.iterator, room).await?;
        let count = page.records.len();
        // Without records the place stays the same: an emulator may give an iterator that depends on the time.
        if count > 0 {
            self.buffer.extend(page.records);
            self.iterator = page.next.unwrap_or_default();
        }
        Ok(count)
    }

    /// How many records of the buffer the next batch takes: as many as the payload has room for, and one at least.
    fn batch_size(&self) -> usize {
        let mut bytes = EVENT_START.len() + EVENT_END.len();
        let fitting = self.buffer.iter().take(self.mapping.spec.batch_size).take_while(|record| {
            bytes += record.event.len() + 1;
            bytes <= PAYLOAD_BYTES_MAX
        });
        fitting.count().max(1).min(self.buffer.len())
    }

    async fn look_whether_closed(&self) -> bool {
        let shards = self.mapping.source.shards().await.unwrap_or_default();
        shards.iter().any(|shard| shard.id == self.shard && shard.is_closed)
    }

    /// Invokes the function until every record of the batch is handled or given up.
    async fn deliver(&self, batch: &[Record]) -> Result<(), Stopped> {
        let spec = &self.mapping.spec;
        let mut delivery = Delivery::new(batch.len(), Rules { bisect: spec.bisect, retries_max: spec.retries_max });
        let mut invocations = 0;
        while let Some(piece) = delivery.next() {
            if self.mapping.stop.is_told() {
                return Err(Stopped);
            }
            let old = self.count_too_old(&batch[piece.clone()]);
            if old > 0 {
                let decision = delivery.expire(old);
                self.carry_out(batch, &decision, Condition::RecordAgeExceeded, invocations, None);
                continue;
            }
            invocations += 1;
            let (outcome, error) = self.invoke(&batch[piece]).await?;
            if outcome != Outcome::Throttled {
                add(&self.mapping.progress.batches, 1);
                add(&self.mapping.progress.retries, usize::from(invocations > 1));
                add(&self.mapping.progress.failures, usize::from(outcome != Outcome::Succeeded));
            }
            let decision = delivery.note(outcome);
            self.carry_out(batch, &decision, Condition::RetryAttemptsExhausted, invocations, error);
            if let Some(number) = decision.pause {
                self.pause(self.mapping.retry.delay(number)).await?;
            }
        }
        Ok(())
    }

    async fn invoke(&self, records: &[Record]) -> Result<(Outcome, Option<InvokeError>), Stopped> {
        let result = self.mapping.function.invoke(Bytes::from(event_of(records))).await;
        Ok(match result {
            Ok(response) if self.mapping.spec.reports_item_failures => {
                let numbers: Vec<&str> = records.iter().map(|record| record.sequence_number.as_str()).collect();
                (outcome_of(&response, &numbers), None)
            }
            Ok(_) => (Outcome::Succeeded, None),
            Err(InvokeError::Stopping) => return Err(Stopped),
            Err(InvokeError::Throttled) => (Outcome::Throttled, None),
            Err(error) => {
                self.mapping.log.warn(&format!("{}: batch of {} failed: {error}", self.mapping.spec.id, records.len()));
                (Outcome::Failed, Some(error))
            }
        })
    }

    fn carry_out(
        &self,
        batch: &[Record],
        decision: &Decision,
        condition: Condition,
        invocations: u32,
        error: Option<InvokeError>,
    ) {
        let progress = &self.mapping.progress;
        add(&progress.records, decision.handled.len());
        if !decision.given_up.is_empty() {
            add(&progress.given_up, decision.given_up.len());
            self.give_up(batch, decision.given_up.clone(), condition, invocations, error);
        }
        let settled = decision.given_up.end.max(decision.handled.end);
        if !(decision.handled.is_empty() && decision.given_up.is_empty())
            && let Some(last) = batch.get(settled.wrapping_sub(1))
            && let Err(error) = progress.check_point(&self.shard, &last.sequence_number)
        {
            self.mapping.log.warn(&format!("{}: the checkpoint could not be kept: {error}", self.mapping.spec.id));
        }
    }

    fn give_up(
        &self,
        batch: &[Record],
        range: Range<usize>,
        condition: Condition,
        invocations: u32,
        error: Option<InvokeError>,
    ) {
        let mapping = &self.mapping;
        let given_up = GivenUp {
            records: &batch[range],
            condition,
            invocations,
            error,
            function_arn: &mapping.function.arn,
            stream_arn: mapping.source.arn(),
            batch_info_name: mapping.source.batch_info_name(),
            shard: &self.shard,
        };
        let kept = if mapping.spec.on_failure.is_some() { "see /_local/failures" } else { "nothing keeps them" };
        mapping.log.warn(&format!("{}: gave up {}; {kept}", mapping.spec.id, given_up.summary()));
        if let Some(bucket) = mapping.spec.on_failure.clone() {
            let record = given_up.record(&event_of(given_up.records));
            mapping.failures.push(FailedBatch { bucket, event_source: mapping.spec.id.clone(), record });
        }
    }

    /// How many records at the front are older than the mapping takes.
    fn count_too_old(&self, records: &[Record]) -> usize {
        let Some(age_max) = self.mapping.spec.record_age_max else { return 0 };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        records.iter().take_while(|record| now - record.arrived_at > age_max.as_secs_f64()).count()
    }

    async fn pause(&self, duration: Duration) -> Result<(), Stopped> {
        tokio::select! {
            () = tokio::time::sleep(duration) => Ok(()),
            () = self.mapping.stop.told() => Err(Stopped),
        }
    }
}

/// The event that a function is given.
fn event_of(records: &[Record]) -> String {
    let events: Vec<&str> = records.iter().map(|record| record.event.as_str()).collect();
    format!("{EVENT_START}{}{EVENT_END}", events.join(","))
}
