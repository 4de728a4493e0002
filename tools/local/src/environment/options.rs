//! What an environment is started with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::event_source::RetryDelays;
use crate::lambda::SANDBOXES_MAX;
use crate::log::LogSink;

/// How to start an environment. The default is `template.yaml` of the current directory, any free port, in memory, silent.
#[derive(Debug, Clone)]
pub struct Options {
    /// The template to run.
    pub template: PathBuf,
    /// The port of the APIs; 0 is any that is free.
    pub port: u16,
    /// The directory that keeps the tables, or `None` for memory.
    pub data: Option<PathBuf>,
    /// Instead of the defaults of the template's parameters.
    pub parameters: BTreeMap<String, String>,
    /// Where the log goes.
    pub log: LogSink,
    /// How long failed batches wait before they are tried again.
    pub retry: RetryDelays,
    /// How far the clock that tells the age of streams' records is ahead: with it records are old without anybody
    /// waiting for that.
    pub clock_ahead: Duration,
    /// Starts a sandbox of each function at once, so that the first invocation is no cold start.
    pub warm: bool,
    /// Sandboxes of a function at once, where the template reserves no concurrency for it; 10 unless told otherwise. Each is
    /// a process of about 11 MB. Lambda has a thousand.
    pub sandboxes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            template: "template.yaml".into(),
            port: 0,
            data: None,
            parameters: BTreeMap::new(),
            log: LogSink::discard(),
            retry: RetryDelays::default(),
            clock_ahead: Duration::ZERO,
            warm: false,
            sandboxes_max: SANDBOXES_MAX,
        }
    }
}
