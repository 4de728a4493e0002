//! What commands print: text for people, or one JSON document.

use std::io::Write;

use paystream_operations::{OperationError, StoreError};
use serde::Serialize;
use telemetry::WithCauses;

use crate::target::{TargetError, flag_of};

/// Lines of one kind that are shown to people; JSON has all of them.
pub(crate) const LINES_MAX: usize = 100;

/// Why a command that operates a stack could not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("{}", operation(.0))]
    Operation(#[from] OperationError),
    #[error("{0}")]
    Usage(String),
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Operation(error.into())
    }
}

fn operation(error: &OperationError) -> String {
    match error {
        OperationError::NameMissing(resource) => format!(
            "{error}: give it with {} NAME, or all names with --stack-outputs FILE, which needs an output {resource}",
            flag_of(*resource)
        ),
        error => {
            let text = WithCauses(error).to_string();
            // What a deployed stack's names say in a region that it is not in.
            let hint = if text.contains("ResourceNotFound") { NOT_FOUND_HINT } else { "" };
            text + hint
        }
    }
}

const NOT_FOUND_HINT: &str =
    " (where the name is right: is the region, AWS_REGION or that of AWS_PROFILE, the one of the stack?)";

/// A line on standard output. Where nobody reads it any more, as behind `| head`, it is nobody's loss.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Bytes on standard output, and nothing else.
pub(crate) fn bytes(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
}

/// One JSON document on standard output.
pub(crate) fn json(document: &impl Serialize) {
    line(&serde_json::to_string_pretty(document).unwrap_or_default());
}

/// Lines, as many as people read.
pub(crate) fn lines(lines: impl ExactSizeIterator<Item = String>) {
    let left = lines.len().saturating_sub(LINES_MAX);
    lines.take(LINES_MAX).for_each(|text| line(&text));
    if left > 0 {
        line(&format!("  … and {left} more; --json lists all"));
    }
}

/// Text of somebody else's, without what a terminal would obey, on one line and cut to `chars_max`.
pub(crate) fn foreign(text: &str, chars_max: usize) -> String {
    let clean = |char: char| if char.is_control() { '\u{fffd}' } else { char };
    let mut short: String = text.chars().take(chars_max).map(clean).collect();
    if text.chars().nth(chars_max).is_some() {
        short.push('…');
    }
    short
}

/// `1 record`, `2 records`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_not_printed() {
        assert_eq!(foreign("a\u{1b}[2Jb\nc", 10), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(foreign("äöü", 2), "äö…");
        assert_eq!(foreign("äöü", 3), "äöü");
    }
}
