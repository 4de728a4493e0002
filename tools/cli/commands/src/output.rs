//! Output of commands: text, or one JSON document.

use std::io::Write;

use paystream_operations::{OperationError, QuarantineError, StoreError};
use serde::Serialize;
use telemetry::WithCauses;

use crate::target::{TargetError, flag_of};

/// Maximum number of lines of one kind in text output. JSON output has all.
pub(crate) const LINES_MAX: usize = 100;

/// Error of a command that operates a stack.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("{}", operation(.0))]
    Operation(#[from] OperationError),
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Output(#[from] OutputError),
}

impl From<QuarantineError> for CommandError {
    fn from(error: QuarantineError) -> Self {
        Self::Operation(error.into())
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Operation(error.into())
    }
}

fn operation(error: &OperationError) -> String {
    match error {
        OperationError::NameMissing(resource) => format!(
            "{error}: name it with {} NAME, or use --stack-outputs FILE, which must have an output {resource}",
            flag_of(*resource)
        ),
        error => {
            let text = WithCauses(error).to_string();
            // Also the error of a correct name in the wrong region.
            let hint = if text.contains("ResourceNotFound") { NOT_FOUND_HINT } else { "" };
            text + hint
        }
    }
}

const NOT_FOUND_HINT: &str =
    " (if the name is right, check that AWS_REGION or the region of AWS_PROFILE is the one of the stack)";

/// Standard output could not be written. The command has failed, whatever it has done: its output may be the only copy of
/// a record, or the only report of a partial success.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {0}")]
pub(crate) struct OutputError(#[source] std::io::Error);

impl OutputError {
    /// True if the reader has closed the pipe, as `head` does. That is reported by the exit code only.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.0.kind() == std::io::ErrorKind::BrokenPipe
    }
}

/// Prints a line to standard output.
pub(crate) fn line(text: &str) -> Result<(), OutputError> {
    bytes(format!("{text}\n").as_bytes())
}

/// Writes raw bytes to standard output.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), OutputError> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(OutputError)
}

/// Prints what clap answers instead of running a command: help and version to standard output, errors to standard error.
pub(crate) fn answer(answer: &clap::Error) -> Result<(), OutputError> {
    answer.print().and_then(|()| std::io::stdout().flush()).map_err(OutputError)
}

/// Prints a JSON document to standard output.
pub(crate) fn json(document: &impl Serialize) -> Result<(), OutputError> {
    line(&serde_json::to_string_pretty(document).map_err(|error| OutputError(error.into()))?)
}

/// Prints a JSON document to standard output, in one line.
pub(crate) fn json_line(document: &impl Serialize) -> Result<(), OutputError> {
    line(&serde_json::to_string(document).map_err(|error| OutputError(error.into()))?)
}

/// Prints at most [`LINES_MAX`] lines, and the number of those left out.
pub(crate) fn lines(lines: impl ExactSizeIterator<Item = String>) -> Result<(), OutputError> {
    let left = lines.len().saturating_sub(LINES_MAX);
    for text in lines.take(LINES_MAX) {
        line(&text)?;
    }
    if left > 0 {
        line(&format!("  … and {left} more; --json lists all"))?;
    }
    Ok(())
}

/// Sanitises foreign text: replaces control characters, such as line ends and terminal escapes, and cuts it to
/// `chars_max`.
pub(crate) fn foreign(text: &str, chars_max: usize) -> String {
    let clean = |char: char| if char.is_control() { '\u{fffd}' } else { char };
    let mut short: String = text.chars().take(chars_max).map(clean).collect();
    if text.chars().nth(chars_max).is_some() {
        short.push('…');
    }
    short
}

/// Formats a count with its noun: `1 record`, `2 records`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced_and_long_text_is_cut() {
        assert_eq!(foreign("a\u{1b}[2Jb\nc", 10), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(foreign("äöü", 2), "äö…");
        assert_eq!(foreign("äöü", 3), "äöü");
    }
}
