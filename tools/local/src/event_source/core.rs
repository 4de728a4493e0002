//! Parts that mappings of all kinds have: settings, function, counters, and the destination of discarded batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::failures::FailureList;
use super::progress::MappingProgress;
use super::{Checkpoints, MappingContext, RetryDelays};
use crate::lambda::Function;
use crate::log::LogSink;
use crate::status::EventSourceStatus;
use crate::template::MappingSpec;

/// Parts of a mapping that do not depend on its source.
pub(super) struct MappingCore {
    pub(super) spec: MappingSpec,
    pub(super) function: Arc<Function>,
    pub(super) progress: MappingProgress,
    pub(super) failures: Arc<FailureList>,
    pub(super) retry: RetryDelays,
    pub(super) clock_ahead: Duration,
    pub(super) log: LogSink,
    pub(super) stop: CancellationToken,
    pub(super) draining: CancellationToken,
}

/// The environment is stopping; the delivery was abandoned.
pub(super) struct Stopped;

impl MappingCore {
    /// Takes its parts of the context. Checkpoints are saved if there is a store.
    pub(super) fn new(
        spec: MappingSpec,
        function: Arc<Function>,
        context: MappingContext,
        checkpoints: Option<Arc<Checkpoints>>,
    ) -> Self {
        let progress = MappingProgress::new(&spec.id, checkpoints);
        let MappingContext { failures, retry, clock_ahead, log, stop, draining, .. } = context;
        Self { spec, function, progress, failures, retry, clock_ahead, log, stop, draining }
    }

    /// Logs a warning about this mapping.
    pub(super) fn warn(&self, message: &str) {
        self.log.warn(&format!("{}: {message}", self.spec.id));
    }

    /// Waits, unless the environment stops first.
    pub(super) async fn pause(&self, duration: Duration) -> Result<(), Stopped> {
        self.stop.run_until_cancelled(tokio::time::sleep(duration)).await.ok_or(Stopped)
    }

    /// Returns the status. `source_arn` names the stream, cluster or broker.
    pub(super) fn status(&self, source_arn: &str) -> EventSourceStatus {
        let progress = &self.progress;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EventSourceStatus {
            function: self.spec.function.clone(),
            stream_arn: source_arn.to_owned(),
            enabled: self.spec.enabled,
            settings: self.spec.settings(source_arn),
            records: count(&progress.records),
            batches: count(&progress.batches),
            retries: count(&progress.retries),
            failures: count(&progress.failures),
            given_up: count(&progress.given_up),
            filtered: count(&progress.filtered),
            shards: progress.status(),
        }
    }
}
