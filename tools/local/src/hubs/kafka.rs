//! Port of a Kafka client, as far as event source mappings need one.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;

/// Client of a Kafka cluster. Every call ends within a bound of the implementation.
#[async_trait]
pub trait KafkaCluster: Send + Sync + fmt::Debug {
    /// Returns a topic, or `None` if it does not exist.
    async fn topic(&self, name: &str) -> Result<Option<Topic>, KafkaError>;

    /// Creates a topic that does not exist.
    async fn create_topic(&self, name: &str, partitions: i32) -> Result<(), KafkaError>;

    /// Returns an offset of a partition.
    async fn offset(&self, topic: &str, partition: i32, at: OffsetAt) -> Result<i64, KafkaError>;

    /// Reads partitions from these positions, and waits up to `wait` if none of them has a record. Reads committed
    /// records only: those of open transactions are not read yet, those of aborted ones are left out.
    async fn fetch(
        &self,
        topic: &str,
        from: &[FetchPosition],
        wait: Duration,
    ) -> Result<Vec<FetchedPartition>, KafkaError>;
}

/// Failed call of a Kafka cluster, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KafkaError(pub String);

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Identity, which changes when the topic is deleted and created again.
    pub id: Uuid,
    /// Partitions.
    pub partitions: BTreeSet<i32>,
}

/// Place in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetAt {
    /// The oldest record that is kept.
    Earliest,
    /// After the newest committed record.
    Latest,
    /// The first record with this timestamp or a later one, in milliseconds since 1970; without one, as `Latest`.
    Timestamp(i64),
}

/// Position to read a partition from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchPosition {
    /// Partition.
    pub partition: i32,
    /// Offset of the first record to read.
    pub offset: i64,
}

/// Content of a partition from a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedPartition {
    /// Partition.
    pub partition: i32,
    /// Records, in order. Offsets may have gaps: control records, aborted transactions, compacted records.
    pub records: Vec<KafkaRecord>,
    /// Offset to read from next; it also passes offsets without a record.
    pub next: i64,
    /// Offset after the newest committed record.
    pub end: i64,
    /// True if the position is not in the partition: its records have expired, or the topic was created again.
    pub is_out_of_range: bool,
}

/// Record of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaRecord {
    /// Offset in the partition.
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Origin of the timestamp.
    pub timestamp_type: TimestampType,
    /// Key, if it has one.
    pub key: Option<Bytes>,
    /// Value; `None` for a tombstone.
    pub value: Option<Bytes>,
    /// Names and values of the headers, in order.
    pub headers: Vec<(String, Option<Bytes>)>,
}

/// Origin of a record's timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// Set by the producer.
    CreateTime,
    /// Set by the broker.
    LogAppendTime,
}
