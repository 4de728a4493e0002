//! Another subscriber of a hub, which sees what publishers have written: all of it, in the order of the hub. It can also
//! write, as another producer does.

mod kafka;
mod rabbitmq;

use std::collections::BTreeMap;
use std::sync::Arc;

use paystream_local::{Hub, HubKind, KafkaError};

use crate::KafkaClient;
use kafka::KafkaSubscriber;
use rabbitmq::RabbitMqSubscriber;

/// Error of a subscriber.
#[derive(Debug, thiserror::Error)]
pub enum SubscriberError {
    /// A call of Kafka failed.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// The topic does not exist.
    #[error("Kafka has no topic {0}")]
    NoTopic(String),
    /// Records were deleted before they were read.
    #[error("records of partition {partition} of topic {topic} are gone: the topic was created again, or they expired")]
    Gone {
        /// Topic.
        topic: String,
        /// Partition.
        partition: i32,
    },
    /// A call of RabbitMQ failed.
    #[error("RabbitMQ: {0}")]
    RabbitMq(#[from] amqprs::error::Error),
    /// RabbitMQ did not answer in time.
    #[error("RabbitMQ did not answer within {0} s")]
    Timeout(u64),
    /// A template parameter that names the topic or the exchange is missing.
    #[error("parameter {0} is missing")]
    NoName(&'static str),
}

/// Message of a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Kafka's partition; 0 over RabbitMQ, which has none.
    pub partition: i32,
    /// Kafka's record key, RabbitMQ's routing key.
    pub key: Vec<u8>,
    /// Payload.
    pub value: Vec<u8>,
}

/// Subscriber of a Kafka topic or a RabbitMQ exchange.
#[derive(Debug)]
pub struct Subscriber(Kind);

#[derive(Debug)]
enum Kind {
    Kafka(KafkaSubscriber),
    // Boxed, because the client of RabbitMQ is large.
    RabbitMq(Box<RabbitMqSubscriber>),
}

impl Subscriber {
    /// Subscribes to the topic or the exchange that these template parameters name ([`crate::own_names`]). It must
    /// exist. A topic is read from its first record; an exchange from now on, through a queue of its own.
    pub async fn new(hub: &Hub, parameters: &BTreeMap<String, String>) -> Result<Self, SubscriberError> {
        let name = |parameter| parameters.get(parameter).cloned().ok_or(SubscriberError::NoName(parameter));
        Ok(Self(match hub.kind() {
            HubKind::RabbitMq => {
                Kind::RabbitMq(Box::new(RabbitMqSubscriber::new(&hub.url, name("RabbitMqExchange")?).await?))
            }
            HubKind::Kafka | HubKind::Kinesis => {
                let client = Arc::new(KafkaClient::new(&hub.url.address()));
                Kind::Kafka(KafkaSubscriber::new(client, name("KafkaTopic")?))
            }
        }))
    }

    /// Returns all messages since the last call. Those of one partition, or of one exchange, are in order.
    pub async fn read(&mut self) -> Result<Vec<Message>, SubscriberError> {
        match &mut self.0 {
            Kind::Kafka(kafka) => kafka.read().await,
            Kind::RabbitMq(rabbitmq) => rabbitmq.read().await,
        }
    }

    /// Writes a message. Returns when the hub has it.
    pub async fn write(&self, key: &str, value: Vec<u8>) -> Result<(), SubscriberError> {
        match &self.0 {
            Kind::Kafka(kafka) => kafka.write(key, &value).await,
            Kind::RabbitMq(rabbitmq) => rabbitmq.write(key, value).await,
        }
    }

    /// Adds a partition to the topic. Returns false for RabbitMQ, which has none.
    pub async fn add_partition(&self) -> Result<bool, SubscriberError> {
        match &self.0 {
            Kind::Kafka(kafka) => kafka.add_partition().await.map(|()| true),
            Kind::RabbitMq(_) => Ok(false),
        }
    }
}
