//! AWS connections of functions: configuration from the environment, one HTTPS client for all AWS clients, and
//! connections made before the first event. Calls to services without a client are signed here.
//!
//! This crate keeps cold starts short and binaries small (docs/performance.md).

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod ahead;
mod body;
mod crypto;
mod dynamodb;
mod encryption;
mod endpoint;
mod environment;
mod https;
mod signed;
mod trust;

pub use body::{BodyError, read_body};
pub use dynamodb::{dynamodb, timeouts};
pub use encryption::{Encryption, UnknownEncryption};
pub use endpoint::Endpoint;
pub use environment::Aws;
pub use https::Https;
pub use signed::{SignError, sign};
pub use trust::{InvalidCa, Trust, UnknownTrust, trust_only};
