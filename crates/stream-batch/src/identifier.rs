//! Identifiers by which a response reports a record.

use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Identifier of a record in a response.
pub trait ItemIdentifier: Clone {
    /// Returns true if both records are in the same sequence with one checkpoint: a shard, or a partition of a topic.
    ///
    /// Redelivery from one of them then includes the other if it is later. A record of another sequence has to be
    /// reported by itself.
    fn shares_checkpoint_with(&self, other: &Self) -> bool;
}

/// Sequence number in a shard of a Kinesis or DynamoDB stream. A batch is of one shard.
impl ItemIdentifier for String {
    fn shares_checkpoint_with(&self, _: &Self) -> bool {
        true
    }
}

/// Position of a record in a Kafka topic, in the form of a response.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html>.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct KafkaPosition {
    /// Topic and partition as Lambda names them: `<topic>-<partition>`.
    #[serde(serialize_with = "text")]
    pub partition: Arc<str>,
    /// Offset in the partition; `None` if Lambda's event has none. Such a record cannot be reported.
    pub offset: Option<i64>,
}

fn text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// A batch may have records of several partitions, each with a checkpoint of its own.
impl ItemIdentifier for KafkaPosition {
    fn shares_checkpoint_with(&self, other: &Self) -> bool {
        self.partition == other.partition
    }
}

/// A RabbitMQ message, which cannot be reported: the whole batch is acknowledged or redelivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct UnreportableMessage;

impl ItemIdentifier for UnreportableMessage {
    fn shares_checkpoint_with(&self, _: &Self) -> bool {
        true
    }
}

/// Identifier of a record of any hub.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum HubPosition {
    /// Sequence number of a Kinesis record.
    Kinesis(String),
    /// Position of a Kafka record.
    Kafka(KafkaPosition),
    /// A RabbitMQ message.
    RabbitMq(UnreportableMessage),
}

impl ItemIdentifier for HubPosition {
    fn shares_checkpoint_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Kafka(one), Self::Kafka(other)) => one.shares_checkpoint_with(other),
            // An event is of one hub.
            _ => true,
        }
    }
}
