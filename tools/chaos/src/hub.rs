//! The hub of an environment: read as another subscriber reads it, and written as another producer writes.

use fastrand::Rng;
use futures::lock::Mutex;
use paystream_hubs::{Subscriber, SubscriberError};
use paystream_local::{Environment, HubKind};

use crate::appeared::Appeared;
use crate::kinesis::{KinesisError, KinesisStream};

/// The hub could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// A call of Kinesis failed.
    #[error(transparent)]
    Kinesis(#[from] KinesisError),
    /// A call of a broker failed.
    #[error(transparent)]
    Broker(#[from] SubscriberError),
}

/// The hub of an environment.
pub(crate) struct RawHub {
    kind: HubKind,
    access: Access,
}

enum Access {
    Kinesis(KinesisStream),
    Broker(Mutex<Reading>),
}

struct Reading {
    subscriber: Subscriber,
    appeared: Appeared,
}

impl RawHub {
    /// Returns the stream of the environment, or the topic or exchange of `subscriber`.
    pub(crate) fn new(environment: &Environment, subscriber: Option<(HubKind, Subscriber)>) -> Self {
        let kinesis = || Access::Kinesis(KinesisStream::of(environment));
        match subscriber {
            None => Self { kind: HubKind::Kinesis, access: kinesis() },
            Some((kind, subscriber)) => {
                let reading = Reading { subscriber, appeared: Appeared::default() };
                Self { kind, access: Access::Broker(Mutex::new(reading)) }
            }
        }
    }

    pub(crate) fn kind(&self) -> HubKind {
        self.kind
    }

    /// Reads the rest, and returns all versions that have appeared.
    pub(crate) async fn read(&self) -> Result<Appeared, HubError> {
        match &self.access {
            Access::Kinesis(stream) => Ok(stream.read().await?),
            Access::Broker(reading) => {
                let Reading { subscriber, appeared } = &mut *reading.lock().await;
                for message in subscriber.read().await? {
                    appeared.add_message(&message.value);
                }
                Ok(appeared.clone())
            }
        }
    }

    /// Writes a record.
    pub(crate) async fn put(&self, key: &str, data: Vec<u8>) -> Result<(), HubError> {
        match &self.access {
            Access::Kinesis(stream) => Ok(stream.put(key, data).await?),
            Access::Broker(reading) => Ok(reading.lock().await.subscriber.write(key, data).await?),
        }
    }

    /// Splits or merges shards of Kinesis. Returns false if nothing changed. Brokers stay as they are: additional
    /// partitions of Kafka move keys, and then first appearances are in no order (docs/guarantees.md).
    pub(crate) async fn reshard(&self, rng: &mut Rng) -> Result<bool, HubError> {
        match &self.access {
            Access::Kinesis(stream) => Ok(stream.reshard(rng).await?),
            Access::Broker(_) => Ok(false),
        }
    }
}
