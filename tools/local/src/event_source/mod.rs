//! Event source mappings: read a stream shard by shard, invoke a function with batches of its records, and go on only
//! after what the function has handled.
//!
//! This module starts a [`reader::ShardReader`] for each shard, for child shards once their parents have been read to the
//! end. It deals the records out to [`slot`]s, whose batches are [`deliver`]ed side by side; [`decide`] holds the rules of
//! that, apart from any I/O, and the [`ledger`] knows how far the shard is done with.
//!
//! What AWS says of each rule, and which test shows it here: docs/event-source-mappings.md.

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

/// What every mapping works with.
#[derive(Clone)]
pub(crate) struct MappingContext {
    pub(crate) kinesis: Kinesis,
    pub(crate) dynamodb: DynamoDb,
    /// Changes whenever an invocation has ended.
    pub(crate) activity: watch::Receiver<u64>,
    /// Where the positions in tables' streams are kept. Kinesis is in memory, and its positions would mean nothing later.
    pub(crate) checkpoints: Option<Arc<Checkpoints>>,
    pub(crate) failures: Arc<FailureList>,
    pub(crate) retry: RetryDelays,
    /// How far the clock that tells records' ages is ahead.
    pub(crate) clock_ahead: Duration,
    pub(crate) log: LogSink,
    pub(crate) stop: CancellationToken,
    /// Cancelled before `stop`: batching windows are then not waited for.
    pub(crate) draining: CancellationToken,
}

/// One mapping.
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

    /// Begins to read. What is written from now on is read, also where the mapping begins at the latest record.
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
        // Without a reader there is nothing left to read: a stream always has an open shard.
        while let Some(ended) = readers.join_next().await {
            let Ok(Some(shard)) = ended else { continue };
            lineage.finished.insert(shard);
            let begun = match self.source.shards().await {
                Ok(shards) => self.begin(&shards, StartingPosition::TrimHorizon, &mut lineage, &mut readers).await,
                Err(error) => Err(error),
            };
            if let Err(error) = begun {
                self.log.warn(&format!("{}: cannot go on with child shards: {error}", self.spec.id));
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
            let checkpoint = self.progress.kept_checkpoint(&shard);
            let position = checkpoint.clone().map_or(Position::Start(start), Position::After);
            let iterator = self.source.iterator(&shard, &position).await?;
            self.progress.begin(&shard, iterator.clone(), checkpoint);
            readers.spawn(ShardReader::new(Arc::clone(self), shard.clone(), iterator).run());
            lineage.begun.insert(shard);
        }
        Ok(())
    }

    /// Whether a record is to be delivered.
    fn wants(&self, record: &StreamRecord) -> bool {
        !is_before(self.spec.starting_position, record.arrived_at) && self.spec.filters.matches(&record.event)
    }

    /// Whether everything written so far is done with.
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

/// Whether a record that arrived then is from before where the mapping begins. Kinesis keeps arrival times in whole seconds
/// here, so a record of that very second may have come after it, and is not.
fn is_before(start: StartingPosition, arrived_at: f64) -> bool {
    match start {
        StartingPosition::AtTimestamp(since) => arrived_at < Duration::from_secs(since.as_secs()).as_secs_f64(),
        // Their iterators begin there.
        StartingPosition::TrimHorizon | StartingPosition::Latest => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrived_before_the_timestamp_that_a_mapping_begins_at_is_not_for_it() {
        let since = StartingPosition::AtTimestamp(Duration::from_millis(1_700_000_000_500));
        assert!(is_before(since, 1_699_999_999.0));
        assert!(!is_before(since, 1_700_000_000.0), "of the same second, which is all that is known of it");
        assert!(!is_before(since, 1_700_000_001.0));
        assert!(!is_before(StartingPosition::TrimHorizon, 0.0) && !is_before(StartingPosition::Latest, 0.0));
    }
}
