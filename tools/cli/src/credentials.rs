//! Usage errors without credentials: their output goes to logs and screens.

use clap::Error;
use clap::error::{ContextKind, ContextValue};

/// Replaces user and password of a rejected value, such as that of `--hub-url` or `--processor`.
pub fn without_credentials(mut error: Error) -> Error {
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
        && let Some(hidden) = hidden(value)
    {
        error.insert(ContextKind::InvalidValue, ContextValue::String(hidden));
    }
    error
}

/// Returns `SCHEME://…@HOST` for a text with something before its last `@`, which may be a password.
fn hidden(value: &str) -> Option<String> {
    let (before, host) = value.rsplit_once('@')?;
    let scheme = before.split_once("://").map(|(scheme, _)| format!("{scheme}://"));
    Some(format!("{}…@{host}", scheme.unwrap_or_default()))
}
