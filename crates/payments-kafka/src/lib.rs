//! Kafka adapter of Payments: the publisher of events to a topic of Apache Kafka, Amazon MSK or a compatible cluster.
//!
//! The value is the event as CloudEvents JSON (structured mode), the key the order id.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod batch;
mod config;
mod error;
mod iam;
mod message;
mod partition;
mod publisher;
mod session;

pub use config::{Authentication, BootstrapServers, InvalidAddress, KafkaConfig};
pub use error::KafkaError;
pub use iam::token as msk_token;
pub use message::{KafkaMessage, RecordPosition};
pub use partition::partition_of;
pub use publisher::KafkaPublisher;
