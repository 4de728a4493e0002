//! What clients of Paystream may rely on: `OpenAPI` for both APIs, `AsyncAPI` and JSON Schema for the stream.
//!
//! The documents are made from the types and routes that serve them ([`generated`]), committed under `docs/api`, and
//! compared with what was released last ([`compatibility`], [`release`]). [`Contract`] holds what is answered against them.

mod asyncapi;
pub mod compatibility;
mod contract;
mod documents;
mod events;
mod openapi;
mod operations;
mod problem_pages;
pub mod release;

pub use contract::{Answered, Breach, Contract};
pub use documents::{
    Document, GenerateError, VERSION, generated, obstacles_since_release, released_directory, released_path, repository,
};
pub use events::EventSchemas;
