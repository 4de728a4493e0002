//! Clients of hubs outside the local environment's process.
//!
//! `paystream-local` defines them as ports. They are a package of their own, so that `cargo run` with the embedded
//! Kinesis builds none of their dependencies.

mod kafka;
mod names;
mod subscriber;

use std::sync::Arc;

use paystream_local::{Hub, HubClient, HubKind, HubUrl, KafkaError};

pub use kafka::{KafkaAccess, KafkaClient, KafkaSasl, PartitionState, TopicSettings};
pub use names::{own_names, relay_of};
pub use subscriber::{Message, Subscriber, SubscriberError};

/// Reason why a hub cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The broker does not answer.
    #[error(
        "no {name} answers at {url}: {reason}; start one with `hubs/host/{hub} start`, or in Docker with \
         `docker compose -f hubs/compose.yaml up --detach {hub}`",
        name = hub.name()
    )]
    Unreachable {
        /// Kind of the hub.
        hub: HubKind,
        /// Its address.
        url: HubUrl,
        /// Error of the client.
        reason: String,
    },
    /// There is no client for the hub.
    #[error("{} has no client here: it is embedded, and --hub-url is for Hub=kafka and Hub=rabbitmq", .0.name())]
    NoClient(HubKind),
}

/// Connects to a hub, and checks that it answers.
pub async fn connect(hub: HubKind, url: HubUrl) -> Result<Hub, HubError> {
    match hub {
        HubKind::Kafka => {
            let client = KafkaClient::new(&url.address());
            match client.check().await {
                Ok(()) => Ok(Hub { url, client: HubClient::Kafka(Arc::new(client)) }),
                Err(KafkaError(reason)) => Err(HubError::Unreachable { hub, url, reason }),
            }
        }
        HubKind::RabbitMq => match Hub::rabbitmq(url.clone()).await {
            Ok(hub) => Ok(hub),
            Err(reason) => Err(HubError::Unreachable { hub, url, reason }),
        },
        HubKind::Kinesis => Err(HubError::NoClient(hub)),
    }
}
