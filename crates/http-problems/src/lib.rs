//! How both APIs answer what they cannot do: [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problems, and the
//! strict JSON body that most of them come from.
//!
//! An API declares its problem types as [`ProblemKind`] constants, answers with [`Problem`], reads its requests with
//! [`JsonBody`], [`PathParameter`] and [`QueryParameters`], and passes its router through [`with_problems`]. What it
//! promises is told by the same routes and types: [`contract`].

mod card_number;
pub mod contract;
mod json_body;
mod kind;
pub mod kinds;
mod object;
mod parameters;
mod problem;
mod reason;
mod routes;

pub use json_body::JsonBody;
pub use kind::{Member, ProblemHeader, ProblemKind};
pub use object::Object;
pub use parameters::{PathParameter, QueryParameters};
pub use problem::{FieldError, Problem};
pub use routes::with_problems;
