//! Log of the functions. A failing test prints its warnings.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use paystream_local::LogSink;

use crate::workspace;

/// Maximum number of lines kept. The oldest are dropped first.
const LINES_MAX: usize = 1_000;
/// Maximum number of warnings and errors that a failing test prints. The newest are printed.
const SHOWN_MAX: usize = 20;

/// Keeps the last lines of the log. When a panic drops it, it prints the last warnings and writes all lines to a file.
#[derive(Default)]
pub(crate) struct TestLog {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl TestLog {
    pub(crate) fn sink(&self) -> LogSink {
        let lines = Arc::clone(&self.lines);
        LogSink::new(move |line| {
            let mut lines = lines.lock();
            if lines.len() == LINES_MAX {
                lines.pop_front();
            }
            lines.push_back(line.to_owned());
        })
    }

    /// All lines logged so far.
    ///
    /// # Panics
    /// If the first lines were dropped, because a check for absence would then prove nothing.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.lines.lock();
        assert!(lines.len() < LINES_MAX, "the first lines of the log were dropped");
        lines.iter().cloned().collect()
    }
}

impl Drop for TestLog {
    #[expect(clippy::print_stderr, reason = "a failing test shows what went wrong in the functions")]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let lines = self.lines.lock();
        let shown: Vec<_> = lines.iter().filter(|line| is_warning(line)).collect();
        eprintln!("last {} of {} warnings of the functions:", shown.len().min(SHOWN_MAX), shown.len());
        for line in shown.iter().skip(shown.len().saturating_sub(SHOWN_MAX)) {
            eprintln!("  {line}");
        }
        let all: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        match write(&all) {
            Ok(path) => eprintln!("last {} lines of their log: {}", lines.len(), path.display()),
            Err(error) => eprintln!("cannot write their log: {error}"),
        }
    }
}

/// True for a line at level WARN or ERROR. The level follows the time of day.
fn is_warning(line: &str) -> bool {
    line.split_whitespace().nth(1).is_some_and(|level| ["WARN", "ERROR"].contains(&level))
}

/// Writes the log of a failed test to a file named after it, numbered if the test has several systems.
fn write(log: &str) -> std::io::Result<PathBuf> {
    let directory = workspace().join("target/test-logs");
    std::fs::create_dir_all(&directory)?;
    let test = std::thread::current().name().unwrap_or("unnamed").replace("::", "-");
    let unused = (1..).map(|n| directory.join(format!("{test}-{}-{n}.log", std::process::id())));
    let path = unused.into_iter().find(|path| !path.exists()).unwrap_or(directory);
    std::fs::write(&path, log)?;
    Ok(path)
}
