//! The local environment.
mod template;

/// The region that everything here says it is in.
pub(crate) const REGION: &str = "us-east-1";
/// The account that everything here says it is in.
pub(crate) const ACCOUNT_ID: &str = "000000000000";
pub use template::{LeftOut, Problem, Route, Template, TemplateError};
