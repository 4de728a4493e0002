//! What a mapping has done, and how far each shard is: counted for the status, kept for a restart.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::checkpoints::Checkpoints;
use crate::status::ShardStatus;

/// Counters and positions of one mapping.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) records: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) given_up: AtomicU64,
    pub(super) filtered: AtomicU64,
    shards: Mutex<BTreeMap<String, Shard>>,
    kept: Option<(String, Arc<Checkpoints>)>,
}

#[derive(Debug, Default)]
struct Shard {
    position: Option<String>,
    /// Reads from where the reader began.
    first_iterator: String,
    is_finished: bool,
}

impl Progress {
    /// Positions are kept as those of that mapping, where they are kept at all.
    pub(super) fn new(mapping: &str, checkpoints: Option<Arc<Checkpoints>>) -> Self {
        Self { kept: checkpoints.map(|checkpoints| (mapping.to_owned(), checkpoints)), ..Self::default() }
    }

    /// The position kept from before this start.
    pub(super) fn kept(&self, shard: &str) -> Option<String> {
        let (mapping, checkpoints) = self.kept.as_ref()?;
        checkpoints.get(mapping, shard)
    }

    /// A shard that is read from now on.
    pub(super) fn begin(&self, shard: &str, first_iterator: String, position: Option<String>) {
        self.shards.lock().insert(shard.to_owned(), Shard { position, first_iterator, is_finished: false });
    }

    /// Everything up to that record is done with.
    pub(super) fn check_point(&self, shard: &str, sequence_number: &str) -> std::io::Result<()> {
        if let Some(shard) = self.shards.lock().get_mut(shard) {
            shard.position = Some(sequence_number.to_owned());
        }
        match &self.kept {
            Some((mapping, checkpoints)) => checkpoints.set(mapping, shard, sequence_number),
            None => Ok(()),
        }
    }

    pub(super) fn finish(&self, shard: &str) {
        if let Some(shard) = self.shards.lock().get_mut(shard) {
            shard.is_finished = true;
        }
    }

    /// Where what is not done with begins, for each shard: after a record, or at an iterator.
    pub(super) fn remaining(&self) -> Vec<(String, Result<String, String>)> {
        let shards = self.shards.lock();
        let open = shards.iter().filter(|(_, shard)| !shard.is_finished);
        let from = |shard: &Shard| shard.position.clone().ok_or_else(|| shard.first_iterator.clone());
        open.map(|(id, shard)| (id.clone(), from(shard))).collect()
    }

    pub(super) fn status(&self) -> BTreeMap<String, ShardStatus> {
        let shards = self.shards.lock();
        let status = |shard: &Shard| ShardStatus { position: shard.position.clone(), is_finished: shard.is_finished };
        shards.iter().map(|(id, shard)| (id.clone(), status(shard))).collect()
    }
}

/// Adds to a counter of the status.
pub(super) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}
