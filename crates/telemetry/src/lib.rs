//! Logs, metrics and configuration, the same for every function.
//!
//! A function's `main` reads its configuration with [`Variables`], which reports everything that is missing or
//! malformed together, starts its log with [`init_logs`]: JSON, one object a line, fields at the top level, and counts with
//! [`Metrics`].

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
