//! Contracts of Paystream: `OpenAPI` for both APIs, `AsyncAPI` and JSON Schema for the stream.
//!
//! The documents are generated from the types and routes that serve them ([`generated`]), committed under `docs/api`,
//! and compared with the last released ones ([`compatibility`], [`release`]). [`Contract`] checks requests and
//! responses against them.

mod asyncapi;
pub mod compatibility;
mod contract;
mod documents;
mod error;
mod events;
mod json;
mod openapi;
mod operations;
mod problem_pages;
pub mod release;
mod repository;
mod version;

pub use contract::{Answered, Breach, Contract};
pub use documents::{Document, generated, obstacles_since_release};
pub use error::GenerateError;
pub use events::EventSchemas;
pub use repository::{released_directory, released_path, repository};
pub use version::VERSION;
