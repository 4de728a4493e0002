//! Payment processor over HTTP, and the choice between it and the simulator.
//!
//! [`HttpProcessor`] speaks a generic API. `generic_api` is the only module to change for another one
//! (docs/processor.md). No error, log line or `Debug` output contains the API key or a payment token.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod api_key;
mod failure;
mod generic_api;
mod http_processor;
mod processor_url;
pub mod selection;

pub use api_key::ApiKeys;
pub use http_processor::HttpProcessor;
pub use processor_url::{InvalidProcessorUrl, ProcessorUrl};
