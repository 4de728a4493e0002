//! Progress of a mapping: counters for the status, and checkpoints of its shards.

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
    /// Id of the mapping and store of its checkpoints; `None` for Kinesis and without a data directory.
    checkpoints: Option<(String, Arc<Checkpoints>)>,
}

#[derive(Debug, Default)]
struct ShardProgress {
    position: Option<String>,
    /// Iterator at the position where the reader started.
    first_iterator: String,
    is_finished: bool,
}

/// Position of the first unsettled record of a shard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remainder {
    /// After the checkpoint.
    AfterSequenceNumber(String),
    /// At the first iterator, without a checkpoint yet.
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
    /// Creates the progress of a mapping. Its checkpoints are saved if there is a store.
    pub(super) fn new(mapping: &str, checkpoints: Option<Arc<Checkpoints>>) -> Self {
        Self { checkpoints: checkpoints.map(|checkpoints| (mapping.to_owned(), checkpoints)), ..Self::default() }
    }

    /// Returns the checkpoint of a shard that an earlier run saved.
    pub(super) fn saved_checkpoint(&self, shard: &str) -> Option<String> {
        let (mapping, checkpoints) = self.checkpoints.as_ref()?;
        checkpoints.get(mapping, shard)
    }

    /// Adds a shard whose reading starts.
    pub(super) fn begin(&self, shard: &str, first_iterator: String, position: Option<String>) {
        self.shards.lock().insert(shard.to_owned(), ShardProgress { position, first_iterator, is_finished: false });
    }

    /// Sets the checkpoint of a shard and saves it if there is a store.
    pub(super) fn save_checkpoint(&self, shard: &str, sequence_number: &str) -> std::io::Result<()> {
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

    /// Returns the position of the first unsettled record of each unfinished shard.
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

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}
