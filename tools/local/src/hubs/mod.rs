//! Hubs outside this process: a Kafka cluster or a `RabbitMQ` broker, which the environment uses over a client.
//!
//! The client of Kafka is a port: package `paystream-hubs` implements it, so that `cargo run` with the embedded Kinesis
//! does not build it. That of RabbitMQ needs no other package.

mod kafka;
mod kind;
mod parameters;
mod rabbitmq;
mod url;

use std::fmt;
use std::sync::Arc;

pub use kafka::{
    FetchPosition, FetchedPartition, KafkaCluster, KafkaError, KafkaRecord, OffsetAt, TimestampType, Topic,
};
pub use kind::{HubKind, UnknownHub};
pub(crate) use parameters::{HUB_SECRET_ARN, local_parameters};
pub(crate) use rabbitmq::declare_missing;
pub use url::{HubUrl, InvalidHubUrl};

/// A hub outside this process, with its address and a client.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Address and credentials.
    pub url: HubUrl,
    /// Client.
    pub client: HubClient,
}

/// Client of a hub.
#[derive(Debug, Clone)]
pub enum HubClient {
    /// Client of a Kafka cluster.
    Kafka(Arc<dyn KafkaCluster>),
    /// The client of `RabbitMQ` in this package, which needs no other package.
    RabbitMq,
}

impl fmt::Display for Hub {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at {}", self.kind().name(), self.url)
    }
}

impl Hub {
    /// Returns a RabbitMQ broker, after a connection to it has been opened.
    pub async fn rabbitmq(url: HubUrl) -> Result<Self, String> {
        rabbitmq::check(&url).await.map_err(|error| error.to_string())?;
        Ok(Self { url, client: HubClient::RabbitMq })
    }

    /// Returns the kind of the hub.
    pub fn kind(&self) -> HubKind {
        match self.client {
            HubClient::Kafka(_) => HubKind::Kafka,
            HubClient::RabbitMq => HubKind::RabbitMq,
        }
    }
}
