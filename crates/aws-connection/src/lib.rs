//! AWS connections of functions: configuration from the environment, one HTTPS client for all AWS clients, and
//! connections made before the first event.
//!
//! This crate keeps cold starts short and binaries small (docs/performance.md).

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod ahead;
mod dynamodb;
mod endpoint;
mod environment;
mod https;
mod trust;

pub use dynamodb::{dynamodb, timeouts};
pub use endpoint::Endpoint;
pub use environment::Aws;
pub use https::Https;
pub use trust::{Trust, UnknownTrust};
