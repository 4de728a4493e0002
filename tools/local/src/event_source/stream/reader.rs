//! Shard reader: reads a shard in order, distributes its records to slots by key, and delivers each slot's batches one
//! after the other.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::super::batch::StreamRecord;
use super::super::core::{MappingCore, Stopped};
use super::super::deliver::deliver;
use super::super::progress::add;
use super::super::slot::{Batching, Slot};
use super::StreamMapping;
use super::delivery::{EVENT_FRAME_BYTES, ShardDelivery};
use super::source::Wake;
use crate::emulators::EmulatorError;

/// Delay after a failed read.
const READ_PAUSE: Duration = Duration::from_secs(1);

/// Reader of a shard, with its position and its slots.
pub(super) struct ShardReader {
    shard: Arc<ShardDelivery>,
    iterator: String,
    slots: Vec<Slot>,
    /// Deliveries in flight; each returns the index of its slot.
    deliveries: JoinSet<Result<usize, Stopped>>,
    wake: Wake,
    is_closed: bool,
}

impl ShardReader {
    pub(super) fn new(mapping: Arc<StreamMapping>, id: String, iterator: String) -> Self {
        let (wake, spec) = (mapping.source.wake(), &mapping.core.spec);
        let batching =
            Batching { size_max: spec.batch_size, window: spec.batching_window, frame_bytes: EVENT_FRAME_BYTES };
        let slots = (0..spec.parallelization_factor).map(|_| Slot::new(batching)).collect();
        let shard = Arc::new(ShardDelivery::new(mapping, id));
        Self { shard, iterator, slots, deliveries: JoinSet::new(), wake, is_closed: false }
    }

    /// Reads until the shard is closed and read to the end, and returns its id; `None` if the environment stops first.
    pub(super) async fn run(mut self) -> Option<String> {
        // The shard may have been closed before this reader started.
        self.is_closed = self.is_closed_at_source().await;
        let end = self.read_to_the_end().await;
        // Deliveries in flight finish and advance the checkpoint.
        while self.deliveries.join_next().await.is_some() {}
        if end.is_err() || self.core().stop.is_cancelled() {
            return None;
        }
        self.core().progress.finish(&self.shard.id);
        Some(self.shard.id.clone())
    }

    async fn read_to_the_end(&mut self) -> Result<(), Stopped> {
        while !self.core().stop.is_cancelled() {
            let mut count = 0;
            if self.may_read() {
                self.wake.mark();
                match self.read().await {
                    Ok(read) => count = read,
                    Err(error) => {
                        self.core().warn(&error.to_string());
                        self.core().pause(READ_PAUSE).await?;
                        continue;
                    }
                }
            }
            self.begin_deliveries(count);
            if self.slots.iter().all(Slot::is_idle) && count == 0 {
                if self.is_closed {
                    return Ok(());
                }
                if self.wake.has_resharded() && self.is_closed_at_source().await {
                    // Records may have been written between this read and the close: read once more.
                    self.is_closed = true;
                    continue;
                }
            }
            if count == 0 || !self.may_read() {
                self.wait().await?;
            }
        }
        Err(Stopped)
    }

    fn core(&self) -> &MappingCore {
        &self.shard.mapping.core
    }

    /// True if a slot is free and the read-ahead limit has room. While all slots are busy, records gather for larger
    /// reads. A slot that does not progress fills the read-ahead, and then the shard waits for it.
    fn may_read(&self) -> bool {
        self.slots.iter().any(|slot| !slot.is_busy()) && self.shard.ledger.lock().room() > 0
    }

    /// Reads and distributes up to one batch of records, and returns their number.
    async fn read(&mut self) -> Result<usize, EmulatorError> {
        let limit = self.shard.ledger.lock().room().min(self.core().spec.batch_size);
        let page = self.shard.mapping.source.read(&self.shard.id, &self.iterator, limit).await?;
        let count = page.records.len();
        // Without records keep the iterator: the next one of an emulator may depend on the time.
        if count > 0 {
            self.iterator = page.next.unwrap_or_default();
            self.distribute(page.records);
        }
        Ok(count)
    }

    fn distribute(&mut self, records: Vec<StreamRecord>) {
        let mapping = &self.shard.mapping;
        // Apply the filters before locking the ledger, which deliveries need meanwhile.
        let records: Vec<(bool, StreamRecord)> =
            records.into_iter().map(|record| (mapping.selects(&record), record)).collect();
        let (now, mut ledger) = (Instant::now(), self.shard.ledger.lock());
        for (is_selected, record) in records {
            if !is_selected {
                ledger.skip(&record.sequence_number);
                add(&mapping.core.progress.filtered, 1);
                continue;
            }
            let ticket = ledger.enter(&record.sequence_number, record.event.len());
            let index = record.key_hash % self.slots.len() as u64;
            if let Some(slot) = usize::try_from(index).ok().and_then(|index| self.slots.get_mut(index)) {
                slot.push(ticket, record, now);
            }
        }
        // Skipped records may advance the checkpoint.
        self.shard.save_checkpoint(&mut ledger);
    }

    /// Starts the delivery of each batch that is due. `count` is the number of records of the last read.
    fn begin_deliveries(&mut self, count: usize) {
        let is_at_the_end = self.is_closed && count == 0;
        let waits = !self.core().draining.is_cancelled() && !is_at_the_end;
        let now = Instant::now();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if let Some(batch) = slot.take(now, waits) {
                let shard = Arc::clone(&self.shard);
                self.deliveries.spawn(async move { deliver(&*shard, &batch).await.map(|()| index) });
            }
        }
    }

    /// Waits until there may be something to read or deliver.
    async fn wait(&mut self) -> Result<(), Stopped> {
        let may_read = self.may_read();
        let until = self.slots.iter().filter_map(Slot::window_deadline).min();
        let core = &self.shard.mapping.core;
        let window = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        // Draining matters only while a batching window is open.
        let drained =
            async { if until.is_some() { core.draining.cancelled().await } else { std::future::pending().await } };
        tokio::select! {
            Some(delivered) = self.deliveries.join_next() => {
                // A delivery that panicked left records unsettled: stop the shard.
                let index = delivered.unwrap_or(Err(Stopped))?;
                if let Some(slot) = self.slots.get_mut(index) {
                    slot.release(Instant::now());
                }
            }
            () = self.wake.wait(), if may_read => {}
            () = window => {}
            () = drained => {}
            () = core.stop.cancelled() => {}
        }
        Ok(())
    }

    async fn is_closed_at_source(&self) -> bool {
        let shards = self.shard.mapping.source.shards().await.unwrap_or_default();
        shards.iter().any(|shard| shard.id == self.shard.id && shard.is_closed)
    }
}
