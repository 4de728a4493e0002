//! What the functions had to say, shown where a test fails, and what the processor was asked for.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use paystream_local::LogSink;

/// The last lines that are kept.
const LINES_MAX: usize = 1_000;

/// Keeps the last lines of the log, and prints them when it is dropped by a panic.
#[derive(Default)]
pub(crate) struct TestLog {
    lines: Arc<Mutex<VecDeque<String>>>,
    charged: Arc<Mutex<BTreeSet<String>>>,
}

impl TestLog {
    pub(crate) fn sink(&self) -> LogSink {
        let (lines, charged) = (Arc::clone(&self.lines), Arc::clone(&self.charged));
        LogSink::new(move |line| {
            if let Some(key) = charge(line) {
                charged.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
            }
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() == LINES_MAX {
                lines.pop_front();
            }
            lines.push_back(line.to_owned());
        })
    }

    /// The idempotency keys that the simulated processor approved: each is one charge, however often it was asked.
    pub(crate) fn charged(&self) -> BTreeSet<String> {
        self.charged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All that was logged so far.
    ///
    /// # Panics
    /// Where there was more than is kept: what is not in the lines may have been in the log.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(lines.len() < LINES_MAX, "the first lines of the log are gone");
        lines.iter().cloned().collect()
    }
}

/// The key in a line with which the simulated processor approves.
fn charge(line: &str) -> Option<&str> {
    let (_, fields) = line.split_once("the simulated processor approved")?;
    fields.split_whitespace().find_map(|field| field.strip_prefix("idempotency_key="))
}

impl Drop for TestLog {
    #[expect(clippy::print_stderr, reason = "a failing test shows what the functions had to say")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                eprintln!("{line}");
            }
        }
    }
}
