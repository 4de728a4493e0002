//! Strict request parsing: invalid requests are rejected with a problem that points to the fault.
//!
//! Handlers take [`JsonBody`], [`PathParameter`] and [`QueryParameters`], which are axum extractors; structs within a
//! body are wrapped in [`Object`]. A router passes through [`with_request_checks`], and through [`with_cors`] for
//! browsers. No response repeats a value of a request.
//!
//! Problem responses are in `http-problems`, the search for card numbers in `card-numbers`, and the OpenAPI description
//! of a handler's arguments in `openapi-routes`. Each API parses its own headers.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod checks;
mod cors;
mod json_body;
mod object;
mod parameters;
mod reason;

pub use checks::with_request_checks;
pub use cors::{AllowedOrigins, InvalidOrigins, with_cors};
pub use json_body::JsonBody;
pub use object::Object;
pub use parameters::{PathParameter, QueryParameters};
