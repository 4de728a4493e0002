#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod aggregated;
mod deadline;
mod dynamodb;
mod kinesis;
mod records;
mod response;

pub use aggregated::{Aggregated, is_aggregated};
pub use deadline::before;
pub use dynamodb::{DynamoDbEvent, DynamoDbRecord};
pub use kinesis::{KinesisEvent, KinesisRecord};
pub use records::{Limits, NotHandled, Processed, Record, process_records};
pub use response::{BatchItemFailure, BatchResponse};
