//! Problem responses of both APIs, as [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) defines them.
//!
//! An API declares its problem types as [`ProblemType`] constants, beside the [`builtin`] ones of every API, and
//! responds with a [`Problem`]. [`with_problems`] completes a router: unknown routes become problems, and every problem
//! names the request's path.
//!
//! Requests are parsed in `http-requests` and searched for card numbers in `card-numbers`.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

pub mod builtin;
mod json_pointer;
mod problem;
mod problem_type;
mod router;

pub use json_pointer::{JsonPointer, shorten_name};
pub use problem::{FieldError, Problem};
pub use problem_type::{Member, ProblemHeader, ProblemType, TYPES};
pub use router::with_problems;
