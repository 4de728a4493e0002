//! Kinesis and DynamoDB, inside this process, each on a loopback port of its own.
//!
//! Functions reach them over HTTP, as they reach the services, and through `faults`, where whatever is to happen between a
//! function and an emulator has its place; event source mappings call them directly.

mod dynamodb;
mod dynamodb_api;
mod kinesis;
mod service;
mod stream_index;

pub(crate) use dynamodb::DynamoDb;
pub(crate) use kinesis::{Kinesis, ShardInfo};
pub use service::{ErrorAnswer, Service};

/// An emulator that said no, in its own words.
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
