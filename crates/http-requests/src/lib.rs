//! Strict reading of requests: what does not fit is refused with a problem that says where it does not.
//!
//! Handlers take [`JsonBody`], [`PathParameter`] and [`QueryParameters`], which are axum extractors; structs within a body
//! are wrapped in [`Object`]. A router passes through [`with_request_checks`]. No response repeats a value of a request.
//!
//! The problems themselves are in `http-problems`, the search for card numbers in `card-numbers`, and the description of
//! what a handler reads in `openapi-routes`. Headers are read by the API that defines them.

mod checks;
mod json_body;
mod object;
mod parameters;
mod reason;

pub use checks::with_request_checks;
pub use json_body::JsonBody;
pub use object::Object;
pub use parameters::{PathParameter, QueryParameters};
