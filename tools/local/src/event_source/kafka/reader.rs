//! Reader of a topic: fetches all partitions, and delivers each slot's batches one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::super::batch::StreamRecord;
use super::super::core::Stopped;
use super::super::deliver::{deliver, discard_oversized};
use super::super::ledger::Ledger;
use super::super::slot::{Batching, Slot};
use super::event::{EVENT_FRAME_BYTES, record_of};
use super::partition::{Checkpoint, Partition};
use super::{KafkaBatches, KafkaMapping, OffsetReset};
use crate::hubs::{FetchPosition, FetchedPartition, KafkaError, OffsetAt};
use crate::lambda::PAYLOAD_BYTES_MAX;
use crate::template::StartingPosition;

/// Time that a fetch waits for records.
const FETCH_WAIT: Duration = Duration::from_millis(100);
/// Interval at which added partitions and a new topic of the same name are looked for.
const DISCOVERY_INTERVAL: Duration = Duration::from_secs(1);
/// Delay after a failed fetch.
const FETCH_PAUSE: Duration = Duration::from_secs(1);

type Fetched = Result<(Vec<FetchPosition>, Vec<FetchedPartition>), KafkaError>;

/// Reader of all partitions of a topic.
pub(super) struct TopicReader {
    mapping: Arc<KafkaMapping>,
    /// Identity of the topic that is read.
    topic: Option<Uuid>,
    /// One slot for all partitions, under 0, or one for each.
    slots: BTreeMap<i32, Slot>,
    /// Deliveries in flight; each returns the key of its slot.
    deliveries: JoinSet<Result<i32, Stopped>>,
    /// The fetch in flight, at most one.
    fetches: JoinSet<Fetched>,
    fetch_at: Instant,
    discover_at: Instant,
    /// True while fetches fail, so that an outage is logged once.
    is_failing: bool,
}

impl TopicReader {
    pub(super) fn new(mapping: Arc<KafkaMapping>) -> Self {
        let now = Instant::now();
        Self {
            mapping,
            topic: None,
            slots: BTreeMap::new(),
            deliveries: JoinSet::new(),
            fetches: JoinSet::new(),
            fetch_at: now,
            discover_at: now,
            is_failing: false,
        }
    }

    /// Reads until the environment stops.
    pub(super) async fn run(mut self) {
        while self.step().await.is_ok() {}
        self.fetches.abort_all();
        // Deliveries in flight finish and advance their checkpoints.
        while self.deliveries.join_next().await.is_some() {}
    }

    async fn step(&mut self) -> Result<(), Stopped> {
        let mapping = Arc::clone(&self.mapping);
        if self.discover_at <= Instant::now() {
            let discovered = mapping.core.stop.run_until_cancelled(self.discover()).await.ok_or(Stopped)?;
            self.note(discovered.err().as_ref());
        }
        self.begin_deliveries();
        self.begin_fetch();
        let until = self.slots.values().filter_map(Slot::window_deadline).min();
        let window = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        // Draining matters only while a batching window is open.
        let draining = &mapping.core.draining;
        let drained = async { if until.is_some() { draining.cancelled().await } else { std::future::pending().await } };
        let fetch_at = (self.fetch_at > Instant::now()).then_some(self.fetch_at);
        let timer = fetch_at.map_or(self.discover_at, |at| at.min(self.discover_at));
        tokio::select! {
            Some(delivered) = self.deliveries.join_next() => {
                // A delivery that panicked left records unsettled: stop the mapping.
                let slot = delivered.unwrap_or(Err(Stopped))?;
                if let Some(slot) = self.slots.get_mut(&slot) {
                    slot.release(Instant::now());
                }
            }
            Some(fetched) = self.fetches.join_next() => self.accept(fetched.unwrap_or(Err(KafkaError("the fetch ended".to_owned())))).await,
            () = window => {}
            () = drained => {}
            () = tokio::time::sleep_until(timer) => {}
            () = mapping.core.stop.cancelled() => return Err(Stopped),
        }
        Ok(())
    }

    /// Looks for the topic and its partitions, and begins to read those that are new.
    pub(super) async fn discover(&mut self) -> Result<(), KafkaError> {
        self.discover_at = Instant::now() + DISCOVERY_INTERVAL;
        let mapping = Arc::clone(&self.mapping);
        let name = &mapping.source.topic;
        let topic = mapping.cluster.topic(name).await?;
        let topic = topic.ok_or_else(|| KafkaError(format!("topic {name} does not exist")))?;
        if self.topic.is_some_and(|id| id != topic.id) {
            mapping.core.warn(&format!("topic {name} was created again; reading it from its starting position"));
        }
        for partition in &topic.partitions {
            let is_read = mapping.partitions.lock().get(partition).is_some_and(|state| !state.is_gone);
            if !is_read || self.topic != Some(topic.id) {
                self.begin(*partition, topic.id).await?;
            }
        }
        for (partition, state) in mapping.partitions.lock().iter_mut() {
            state.is_gone = !topic.partitions.contains(partition);
        }
        self.topic = Some(topic.id);
        Ok(())
    }

    /// Begins to read a partition, at its checkpoint or at the starting position.
    async fn begin(&mut self, partition: i32, topic: Uuid) -> Result<(), KafkaError> {
        let mapping = &self.mapping;
        let id = mapping.partition_id(partition);
        let saved = mapping.core.progress.saved_checkpoint(&id).and_then(|saved| Checkpoint::parse(&saved));
        let saved = saved.filter(|checkpoint| checkpoint.topic == topic);
        let next = match saved {
            Some(checkpoint) => checkpoint.offset + 1,
            None => self.offset(partition, starting_offset(mapping.core.spec.starting_position)).await?,
        };
        let slot = self.slot_of(partition);
        let spec = &self.mapping.core.spec;
        let batching =
            Batching { size_max: spec.batch_size, window: spec.batching_window, frame_bytes: self.frame_bytes() };
        self.slots.entry(slot).or_insert_with(|| Slot::new(batching));
        self.mapping.core.progress.begin(&id, String::new(), saved.map(|checkpoint| checkpoint.to_string()));
        let mut partitions = self.mapping.partitions.lock();
        // The ledger of a topic that was created again still has the records of the old one that are in flight.
        let state = partitions.entry(partition).or_insert_with(|| {
            let ledger = Ledger::new(spec.batch_size, 1);
            Partition { id, next, is_gone: false, ledger }
        });
        (state.next, state.is_gone) = (next, false);
        Ok(())
    }

    async fn offset(&self, partition: i32, at: OffsetAt) -> Result<i64, KafkaError> {
        self.mapping.cluster.offset(&self.mapping.source.topic, partition, at).await
    }

    fn slot_of(&self, partition: i32) -> i32 {
        match self.mapping.simulation.batches {
            KafkaBatches::Mixed => 0,
            KafkaBatches::PerPartition => partition,
        }
    }

    /// Returns the size of an event without its records: addresses, and the names of all partitions.
    fn frame_bytes(&self) -> usize {
        let source = &self.mapping.source;
        let arn = source.cluster_arn.as_ref().map_or(0, String::len);
        let partitions = self.mapping.partitions.lock().len() + 1;
        EVENT_FRAME_BYTES + self.mapping.bootstrap_servers.len() + arn + partitions * (source.topic.len() + 20)
    }

    /// Fetches the partitions that may be read: the slot is free, and the read-ahead limit has room. While a slot is
    /// busy, its records gather for larger batches.
    fn begin_fetch(&mut self) {
        if !self.fetches.is_empty() || self.fetch_at > Instant::now() {
            return;
        }
        let partitions = self.mapping.partitions.lock();
        let may_read = |(partition, state): &(&i32, &Partition)| {
            let slot = self.slots.get(&self.slot_of(**partition));
            !state.is_gone && state.ledger.room() > 0 && slot.is_some_and(|slot| !slot.is_busy())
        };
        let from: Vec<FetchPosition> = partitions
            .iter()
            .filter(may_read)
            .map(|(partition, state)| FetchPosition { partition: *partition, offset: state.next })
            .collect();
        drop(partitions);
        if from.is_empty() {
            return;
        }
        let mapping = Arc::clone(&self.mapping);
        self.fetches.spawn(async move {
            let fetched = mapping.cluster.fetch(&mapping.source.topic, &from, FETCH_WAIT).await?;
            Ok((from, fetched))
        });
    }

    async fn accept(&mut self, fetched: Fetched) {
        let outcome = match fetched {
            Ok((from, fetched)) => self.accept_all(&from, fetched).await,
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            self.fetch_at = Instant::now() + FETCH_PAUSE;
        }
        self.note(outcome.err().as_ref());
    }

    async fn accept_all(&mut self, from: &[FetchPosition], fetched: Vec<FetchedPartition>) -> Result<(), KafkaError> {
        for partition in fetched {
            let requested = from.iter().find(|position| position.partition == partition.partition);
            let next = self.mapping.partitions.lock().get(&partition.partition).map(|state| state.next);
            // The position has changed meanwhile: the topic was created again.
            if requested.map(|position| position.offset) != next {
                continue;
            }
            if partition.is_out_of_range {
                self.reset(partition.partition).await?;
            } else {
                self.distribute(&partition);
            }
        }
        Ok(())
    }

    /// Continues at the position for offsets that the partition does not have.
    async fn reset(&mut self, partition: i32) -> Result<(), KafkaError> {
        let at = match self.mapping.simulation.reset {
            OffsetReset::StartingPosition => starting_offset(self.mapping.core.spec.starting_position),
            OffsetReset::Earliest => OffsetAt::Earliest,
            OffsetReset::Latest => OffsetAt::Latest,
        };
        let next = self.offset(partition, at).await?;
        if let Some(state) = self.mapping.partitions.lock().get_mut(&partition) {
            let message = format!("{} does not have offset {}; continuing at {next}", state.id, state.next);
            state.next = next;
            self.mapping.core.warn(&message);
        }
        Ok(())
    }

    fn distribute(&mut self, fetched: &FetchedPartition) {
        let Some(topic) = self.topic else { return };
        let (mapping, name, number) = (Arc::clone(&self.mapping), &self.mapping.source.topic, fetched.partition);
        let (slot, frame_bytes) = (self.slot_of(number), self.frame_bytes());
        let id = mapping.partition_id(number);
        let records: Vec<(i64, StreamRecord)> =
            fetched.records.iter().map(|record| (record.offset, record_of(name, number, &id, record))).collect();
        let mut oversized = Vec::new();
        let (now, mut partitions) = (Instant::now(), mapping.partitions.lock());
        let (Some(state), Some(slot)) = (partitions.get_mut(&number), self.slots.get_mut(&slot)) else { return };
        for (offset, record) in records {
            let position = Checkpoint { offset, topic }.to_string();
            if record.event.len() + frame_bytes > PAYLOAD_BYTES_MAX {
                state.ledger.skip(&position);
                oversized.push(record);
                continue;
            }
            let ticket = state.ledger.enter(&position, record.event.len());
            slot.push(ticket, record, now);
        }
        // Control records, aborted transactions and compacted records leave gaps, also at the end.
        if fetched.next > state.next {
            state.ledger.skip(&Checkpoint { offset: fetched.next - 1, topic }.to_string());
            state.next = fetched.next;
        }
        // Skipped offsets may advance the checkpoint.
        mapping.save_checkpoint(state);
        drop(partitions);
        for record in &oversized {
            discard_oversized(&*mapping, record);
        }
    }

    /// Starts the delivery of each batch that is due.
    fn begin_deliveries(&mut self) {
        let waits = !self.mapping.core.draining.is_cancelled();
        let now = Instant::now();
        for (key, slot) in &mut self.slots {
            if let Some(batch) = slot.take(now, waits) {
                let (mapping, key) = (Arc::clone(&self.mapping), *key);
                self.deliveries.spawn(async move { deliver(&*mapping, &batch).await.map(|()| key) });
            }
        }
    }

    /// Logs the first error of an outage, and its end.
    fn note(&mut self, error: Option<&KafkaError>) {
        match error {
            Some(error) if !self.is_failing => {
                self.mapping.core.warn(&format!("cannot read the topic: {error}; retrying"));
            }
            None if self.is_failing => self.mapping.core.warn("reading the topic again"),
            _ => {}
        }
        self.is_failing = error.is_some();
    }
}

fn starting_offset(start: StartingPosition) -> OffsetAt {
    match start {
        StartingPosition::TrimHorizon => OffsetAt::Earliest,
        StartingPosition::Latest => OffsetAt::Latest,
        StartingPosition::AtTimestamp(since) => {
            OffsetAt::Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        }
    }
}
