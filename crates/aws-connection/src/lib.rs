//! How functions connect to AWS: what they are told of it by their environment, one HTTPS client for all their AWS clients,
//! and its connections made before the first event.
//!
//! Start and size of a function are what this crate is about (docs/performance.md).

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
