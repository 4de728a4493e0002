//! Records that wait for delivery, and batches of them.

use std::sync::Arc;

use super::ledger::Ticket;

/// Record of a stream or of a topic.
#[derive(Debug, Clone)]
pub(super) struct StreamRecord {
    /// Shard id, or `<topic>-<partition>`.
    pub(super) shard: Arc<str>,
    /// Sequence number, or offset.
    pub(super) sequence_number: String,
    /// Seconds since 1970.
    pub(super) arrived_at: f64,
    /// Hash of the ordering key: the partition key, or the key of the item. Unused for Kafka.
    pub(super) key_hash: u64,
    /// The record in the function's event, as JSON.
    pub(super) event: String,
}

/// Records to deliver together, with their tickets in the ledgers of their shards.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) records: Vec<StreamRecord>,
    pub(super) tickets: Vec<Ticket>,
}

impl Batch {
    /// Returns the records at these indexes.
    pub(super) fn records_at(&self, indexes: &[usize]) -> Vec<&StreamRecord> {
        indexes.iter().filter_map(|index| self.records.get(*index)).collect()
    }
}
