//! Event source mappings: read each shard of a stream in order and invoke a function with batches of its records.
//!
//! This module starts a [`reader::ShardReader`] for each shard, and for child shards after their parents have been read
//! to the end. The reader distributes records to [`slot`]s by key. The slots' batches are [`deliver`]ed concurrently,
//! by the rules of [`decide`], and the [`ledger`] determines the checkpoint.
//!
//! docs/event-source-mappings.md lists AWS's documentation and the tests for each rule.

mod batch;
mod checkpoints;
mod decide;
mod deliver;
mod failures;
mod ledger;
mod lineage;
mod on_failure;
mod progress;
mod reader;
mod response;
mod retry;
mod slot;
mod source;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

pub(crate) use checkpoints::Checkpoints;
pub(crate) use failures::FailureList;
pub use failures::{FailedBatch, Failures};
pub use retry::RetryDelays;

use crate::emulators::{DynamoDb, EmulatorError, Kinesis, ShardInfo};
use crate::lambda::Function;
use crate::log::LogSink;
use crate::status::EventSourceStatus;
use crate::template::{MappingSpec, StartingPosition, StreamReference};
use lineage::Lineage;
use progress::{MappingProgress, Remainder};
use reader::ShardReader;
use source::{Position, Source, StreamRecord};

/// Shared dependencies of all mappings.
#[derive(Clone)]
pub(crate) struct MappingContext {
    pub(crate) kinesis: Kinesis,
    pub(crate) dynamodb: DynamoDb,
    /// Changes whenever an invocation ends, because it may have written to a table.
    pub(crate) activity: watch::Receiver<u64>,
    /// Stored checkpoints of table streams. Those of Kinesis are not stored: its records are in memory and do not
    /// survive a restart.
    pub(crate) checkpoints: Option<Arc<Checkpoints>>,
    pub(crate) failures: Arc<FailureList>,
    pub(crate) retry: RetryDelays,
    /// Offset added to the clock that measures the age of records.
    pub(crate) clock_ahead: Duration,
    pub(crate) log: LogSink,
    pub(crate) stop: CancellationToken,
    /// Cancelled before `stop`, to deliver without waiting for batching windows.
    pub(crate) draining: CancellationToken,
}

/// An event source mapping.
pub(crate) struct Mapping {
    pub(crate) spec: MappingSpec,
    source: Source,
    function: Arc<Function>,
    progress: MappingProgress,
    failures: Arc<FailureList>,
    retry: RetryDelays,
    clock_ahead: Duration,
    log: LogSink,
    stop: CancellationToken,
    draining: CancellationToken,
}

impl Mapping {
    pub(crate) fn new(
        spec: MappingSpec,
        function: Arc<Function>,
        context: MappingContext,
    ) -> Result<Self, EmulatorError> {
        let (source, checkpoints) = match &spec.stream {
            StreamReference::Kinesis(name) => {
                let arn = format!("arn:aws:kinesis:{}:{}:stream/{name}", crate::REGION, crate::ACCOUNT_ID);
                let (kinesis, function_name) = (context.kinesis, function.spec.name.clone());
                (Source::Kinesis { kinesis, name: name.clone(), arn, function_name }, None)
            }
            StreamReference::Table(table) => {
                let arn = context.dynamodb.stream_arn(table)?;
                let (dynamodb, activity) = (context.dynamodb, context.activity);
                (Source::Table { dynamodb, arn, activity }, context.checkpoints)
            }
        };
        let progress = MappingProgress::new(&spec.id, checkpoints);
        let MappingContext { failures, retry, clock_ahead, log, stop, draining, .. } = context;
        Ok(Self { spec, source, function, progress, failures, retry, clock_ahead, log, stop, draining })
    }

    /// Starts reading. With `LATEST`, records written after this returns are delivered.
    pub(crate) async fn start(self: &Arc<Self>) -> Result<JoinHandle<()>, EmulatorError> {
        let mut lineage = Lineage::default();
        let mut readers = JoinSet::new();
        if self.spec.enabled {
            let shards = self.source.shards().await?;
            if self.spec.starting_position == StartingPosition::Latest {
                lineage.skip_closed(&shards);
            }
            self.begin(&shards, self.spec.starting_position, &mut lineage, &mut readers).await?;
        }
        let mapping = Arc::clone(self);
        Ok(tokio::spawn(async move { mapping.keep_reading(lineage, readers).await }))
    }

    async fn keep_reading(self: Arc<Self>, mut lineage: Lineage, mut readers: JoinSet<Option<String>>) {
        // A stream always has an open shard, so readers of an enabled mapping remain until the environment stops.
        while let Some(ended) = readers.join_next().await {
            let Ok(Some(shard)) = ended else { continue };
            lineage.finished.insert(shard);
            let begun = match self.source.shards().await {
                Ok(shards) => self.begin(&shards, StartingPosition::TrimHorizon, &mut lineage, &mut readers).await,
                Err(error) => Err(error),
            };
            if let Err(error) = begun {
                self.log.warn(&format!("{}: cannot start reading child shards: {error}", self.spec.id));
            }
        }
    }

    async fn begin(
        self: &Arc<Self>,
        shards: &[ShardInfo],
        start: StartingPosition,
        lineage: &mut Lineage,
        readers: &mut JoinSet<Option<String>>,
    ) -> Result<(), EmulatorError> {
        for shard in lineage.ready(shards) {
            let checkpoint = self.progress.saved_checkpoint(&shard);
            let position = checkpoint.clone().map_or(Position::Start(start), Position::After);
            let iterator = self.source.iterator(&shard, &position).await?;
            self.progress.begin(&shard, iterator.clone(), checkpoint);
            readers.spawn(ShardReader::new(Arc::clone(self), shard.clone(), iterator).run());
            lineage.begun.insert(shard);
        }
        Ok(())
    }

    /// True if the starting position and the filters select this record for delivery.
    fn selects(&self, record: &StreamRecord) -> bool {
        !is_before(self.spec.starting_position, record.arrived_at) && self.spec.filters.matches(&record.event)
    }

    /// True if all records written so far are settled.
    pub(crate) async fn is_drained(&self) -> bool {
        for (shard, remainder) in self.progress.remaining() {
            let iterator = match remainder {
                Remainder::AfterSequenceNumber(number) => self.source.iterator(&shard, &Position::After(number)).await,
                Remainder::AtIterator(iterator) => Ok(iterator),
            };
            let Ok(iterator) = iterator else { return false };
            match self.source.read(&shard, &iterator, 1).await {
                Ok(page) if page.records.is_empty() => {}
                _ => return false,
            }
        }
        true
    }

    pub(crate) fn status(&self) -> EventSourceStatus {
        let progress = &self.progress;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EventSourceStatus {
            function: self.spec.function.clone(),
            stream_arn: self.source.arn().to_owned(),
            enabled: self.spec.enabled,
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

/// True if a record arrived before the starting timestamp of the mapping. The emulator's arrival times are whole
/// seconds, so all records of the timestamp's second count as after it.
fn is_before(start: StartingPosition, arrived_at: f64) -> bool {
    match start {
        StartingPosition::AtTimestamp(since) => arrived_at < Duration::from_secs(since.as_secs()).as_secs_f64(),
        // The shard iterator begins at the right record.
        StartingPosition::TrimHorizon | StartingPosition::Latest => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_from_before_the_starting_timestamp_is_skipped() {
        let since = StartingPosition::AtTimestamp(Duration::from_millis(1_700_000_000_500));
        assert!(is_before(since, 1_699_999_999.0));
        assert!(!is_before(since, 1_700_000_000.0), "arrival times are whole seconds");
        assert!(!is_before(since, 1_700_000_001.0));
        assert!(!is_before(StartingPosition::TrimHorizon, 0.0) && !is_before(StartingPosition::Latest, 0.0));
    }
}
