//! Behaviour of Kafka mappings that AWS does not document. Each choice is a possibility that a function must bear.

/// Choices between undocumented behaviours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KafkaSimulation {
    /// Partitions of a batch.
    pub batches: KafkaBatches,
    /// Position after an offset that the partition does not have.
    pub reset: OffsetReset,
}

/// Partitions of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KafkaBatches {
    /// All partitions share one batch, as if one poller read all of them.
    #[default]
    Mixed,
    /// Each partition has batches of its own, which are delivered at the same time, as if each had a poller.
    PerPartition,
}

/// Position after an offset that the partition does not have, because its records have expired or the topic was created
/// again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OffsetReset {
    /// The starting position of the mapping.
    #[default]
    StartingPosition,
    /// The oldest record.
    Earliest,
    /// After the newest record: the records in between are lost.
    Latest,
}
