//! Log output of the functions and of the environment, as human-readable lines.

mod format;

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

use format::Style;

/// Tag of the environment's own lines.
const OWN_TAG: &str = "paystream";

/// Receiver of log lines, without line ends.
#[derive(Clone)]
pub struct LogSink {
    write: Arc<dyn Fn(&str) + Send + Sync>,
    style: Style,
}

impl LogSink {
    /// Passes every line to `write`, without colours. The calling tasks wait for it, so it must be quick.
    pub fn new(write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { write: Arc::new(write), style: Style::Plain }
    }

    /// Writes to standard error, in colour if that is a terminal and `NO_COLOR` is not set.
    pub fn stderr() -> Self {
        let in_colour =
            std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        let write = |line: &str| {
            // A closed standard error cannot be reported anywhere.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        };
        Self { write: Arc::new(write), style: if in_colour { Style::Colour } else { Style::Plain } }
    }

    /// Discards every line.
    pub fn discard() -> Self {
        Self::new(|_| {})
    }

    /// Logs a line that a function printed.
    pub(crate) fn function(&self, tag: &str, line: &str) {
        if let Some(line) = format::function_line(tag, line, self.style) {
            (self.write)(&line);
        }
    }

    /// Logs a warning of the environment.
    pub(crate) fn warn(&self, message: &str) {
        (self.write)(&format::own_line(OWN_TAG, "WARN", message, self.style));
    }
}

impl fmt::Debug for LogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSink").field("style", &self.style).finish_non_exhaustive()
    }
}
