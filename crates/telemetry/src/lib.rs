//! Logs, metrics and configuration, shared by all functions.
//!
//! - [`Variables`] reads the configuration and reports all missing or malformed variables together.
//! - [`init_logs`] starts the log: one JSON object per line, with the fields at the top level.
//! - [`Metrics`] writes metrics in the embedded metric format.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod logs;
mod metrics;
mod trace;
mod variables;
mod with_causes;

pub use logs::{LogLevel, UnknownLogLevel, init_logs};
pub use metrics::{METRICS_NAMESPACE, Metrics, VALUES_A_LINE_MAX};
pub use trace::trace_parent;
pub use variables::{InvalidEnvironment, Variables};
pub use with_causes::WithCauses;
