//! What the functions had to say, shown where a test fails.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use paystream_local::LogSink;

/// The last lines that are kept.
const LINES_MAX: usize = 200;

/// Keeps the last lines of the log, and prints them when it is dropped by a panic.
#[derive(Default)]
pub(crate) struct TestLog(Arc<Mutex<VecDeque<String>>>);

impl TestLog {
    pub(crate) fn sink(&self) -> LogSink {
        let lines = Arc::clone(&self.0);
        LogSink::new(move |line| {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() == LINES_MAX {
                lines.pop_front();
            }
            lines.push_back(line.to_owned());
        })
    }
}

impl Drop for TestLog {
    #[expect(clippy::print_stderr, reason = "a failing test shows what the functions had to say")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                eprintln!("{line}");
            }
        }
    }
}
