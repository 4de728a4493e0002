//! Emulators of Kinesis, DynamoDB and Secrets Manager inside this process, each on its own loopback port.
//!
//! Functions call them over HTTP, as on AWS, through `faults`, which injects faults and counts calls. Event source
//! mappings call them in process.

mod dynamodb;
mod dynamodb_api;
mod kinesis;
mod secrets;
mod service;
mod stream_index;

use http::HeaderMap;

pub(crate) use dynamodb::DynamoDb;
pub(crate) use kinesis::{Kinesis, ShardInfo, stream_of};
pub(crate) use secrets::SecretsManager;
pub(crate) use service::Emulator;
pub use service::{ErrorAnswer, Service};

/// Returns the operation in `x-amz-target: <API>.<operation>`.
pub(crate) fn operation_of(headers: &HeaderMap) -> &str {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    target.and_then(|target| target.rsplit('.').next()).unwrap_or_default()
}

/// Error of an emulator call, with the message of the emulator.
#[derive(Debug, thiserror::Error)]
#[error("{call}: {reason}")]
pub(crate) struct EmulatorError {
    pub(crate) call: &'static str,
    pub(crate) reason: String,
}

impl EmulatorError {
    fn new(call: &'static str, reason: &impl ToString) -> Self {
        Self { call, reason: reason.to_string() }
    }
}
