//! Where the log goes: what the functions print and what the environment has to say, one readable line each.

mod format;

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

use format::Style;

/// What the environment's own lines are tagged with.
const OWN_TAG: &str = "paystream";

/// Takes the log, line by line, without line ends.
#[derive(Clone)]
pub struct LogSink {
    write: Arc<dyn Fn(&str) + Send + Sync>,
    style: Style,
}

impl LogSink {
    /// Passes every line to `write`, without colours. It is called from the tasks that do the work, and must be quick.
    pub fn new(write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { write: Arc::new(write), style: Style::Plain }
    }

    /// To standard error, in colour where that is a terminal and `NO_COLOR` is not set.
    pub fn stderr() -> Self {
        let in_colour =
            std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        let write = |line: &str| {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        };
        Self { write: Arc::new(write), style: if in_colour { Style::Colour } else { Style::Plain } }
    }

    /// To nowhere.
    pub fn discard() -> Self {
        Self::new(|_| {})
    }

    /// A line that a function printed.
    pub(crate) fn function(&self, tag: &str, line: &str) {
        if let Some(line) = format::function_line(tag, line, self.style) {
            (self.write)(&line);
        }
    }

    /// Something that should not be.
    pub(crate) fn warn(&self, message: &str) {
        (self.write)(&format::own_line(OWN_TAG, "WARN", message, self.style));
    }
}

impl fmt::Debug for LogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSink").field("style", &self.style).finish_non_exhaustive()
    }
}
