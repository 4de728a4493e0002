#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod aggregated;
mod deadline;
mod dynamodb;
mod hub;
mod identifier;
mod kafka;
mod kinesis;
mod lenient;
mod rabbitmq;
mod records;
mod response;

pub use aggregated::{Aggregated, is_aggregated};
pub use deadline::before;
pub use dynamodb::{DynamoDbEvent, DynamoDbRecord};
pub use hub::HubEvent;
pub use identifier::{HubPosition, ItemIdentifier, KafkaPosition, UnreportableMessage};
pub use kafka::{KafkaEvent, KafkaRecord, KafkaValue};
pub use kinesis::{KinesisEvent, KinesisRecord};
pub use rabbitmq::{RabbitMqData, RabbitMqEvent, RabbitMqMessage};
pub use records::{Limits, NotHandled, Processed, Record, process_records};
pub use response::{BatchFailed, BatchItemFailure, BatchResponse};
