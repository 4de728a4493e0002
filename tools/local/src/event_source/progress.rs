//! What a mapping has done, and how far each shard is: counted for the status, kept for a restart.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::checkpoints::Checkpoints;
use crate::status::ShardStatus;

/// Counters and positions of one mapping.
#[derive(Debug, Default)]
pub(super) struct MappingProgress {
    pub(super) records: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) given_up: AtomicU64,
    pub(super) filtered: AtomicU64,
    shards: Mutex<BTreeMap<String, ShardProgress>>,
    /// The name of the mapping, and where its checkpoints are kept.
    checkpoints: Option<(String, Arc<Checkpoints>)>,
}

#[derive(Debug, Default)]
struct ShardProgress {
    position: Option<String>,
    /// Reads from where the reader began.
    first_iterator: String,
    is_finished: bool,
}

/// Where the records of a shard begin that are not settled.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remainder {
    /// Behind the record of this sequence number, which is the checkpoint.
    AfterSequenceNumber(String),
    /// At this iterator, as there is no checkpoint yet.
    AtIterator(String),
}

impl ShardProgress {
    fn remainder(&self) -> Remainder {
        match &self.position {
            Some(position) => Remainder::AfterSequenceNumber(position.clone()),
            None => Remainder::AtIterator(self.first_iterator.clone()),
        }
    }
}

impl MappingProgress {
    /// Positions are kept as those of that mapping, where they are kept at all.
    pub(super) fn new(mapping: &str, checkpoints: Option<Arc<Checkpoints>>) -> Self {
        Self { checkpoints: checkpoints.map(|checkpoints| (mapping.to_owned(), checkpoints)), ..Self::default() }
    }

    /// Returns the checkpoint of a shard from before this start.
    pub(super) fn kept_checkpoint(&self, shard: &str) -> Option<String> {
        let (mapping, checkpoints) = self.checkpoints.as_ref()?;
        checkpoints.get(mapping, shard)
    }

    /// A shard that is read from now on.
    pub(super) fn begin(&self, shard: &str, first_iterator: String, position: Option<String>) {
        self.shards.lock().insert(shard.to_owned(), ShardProgress { position, first_iterator, is_finished: false });
    }

    /// Everything up to that record is done with.
    pub(super) fn check_point(&self, shard: &str, sequence_number: &str) -> std::io::Result<()> {
        if let Some(shard) = self.shards.lock().get_mut(shard) {
            shard.position = Some(sequence_number.to_owned());
        }
        match &self.checkpoints {
            Some((mapping, checkpoints)) => checkpoints.set(mapping, shard, sequence_number),
            None => Ok(()),
        }
    }

    pub(super) fn finish(&self, shard: &str) {
        if let Some(shard) = self.shards.lock().get_mut(shard) {
            shard.is_finished = true;
        }
    }

    /// Returns where the next unsettled record is, for each shard that is not read to its end.
    pub(super) fn remaining(&self) -> Vec<(String, Remainder)> {
        let shards = self.shards.lock();
        let open = shards.iter().filter(|(_, shard)| !shard.is_finished);
        open.map(|(id, shard)| (id.clone(), shard.remainder())).collect()
    }

    pub(super) fn status(&self) -> BTreeMap<String, ShardStatus> {
        let shards = self.shards.lock();
        let status =
            |shard: &ShardProgress| ShardStatus { position: shard.position.clone(), is_finished: shard.is_finished };
        shards.iter().map(|(id, shard)| (id.clone(), status(shard))).collect()
    }
}

/// Adds to a counter of the status.
pub(super) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}
