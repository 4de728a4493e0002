//! Mappings of Kinesis streams and of table streams.
//!
//! This module starts a [`reader::ShardReader`] for each shard, and for child shards after their parents have been read
//! to the end. The reader distributes records to slots by key.

mod delivery;
mod lineage;
mod reader;
mod source;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

use super::MappingContext;
use super::batch::StreamRecord;
use super::core::MappingCore;
use super::progress::Remainder;
use crate::emulators::{EmulatorError, ShardInfo};
use crate::lambda::Function;
use crate::status::EventSourceStatus;
use crate::template::{MappingSpec, StartingPosition};
use lineage::Lineage;
use reader::ShardReader;
use source::{Position, Source};

/// Stream of a mapping.
pub(super) enum Stream {
    /// A Kinesis stream, by name.
    Kinesis(String),
    /// The stream of a table, by the table's name.
    Table(String),
}

/// Event source mapping of a stream.
pub(crate) struct StreamMapping {
    core: MappingCore,
    source: Source,
}

impl StreamMapping {
    pub(super) fn new(
        spec: MappingSpec,
        stream: Stream,
        function: Arc<Function>,
        context: MappingContext,
    ) -> Result<Self, EmulatorError> {
        let (source, checkpoints) = match stream {
            Stream::Kinesis(name) => {
                let arn = format!("arn:aws:kinesis:{}:{}:stream/{name}", crate::REGION, crate::ACCOUNT_ID);
                let (kinesis, function_name) = (context.kinesis.clone(), function.spec.name.clone());
                // Records of Kinesis are in memory and do not survive a restart, so their checkpoints need not.
                (Source::Kinesis { kinesis, name, arn, function_name }, None)
            }
            Stream::Table(table) => {
                let arn = context.dynamodb.stream_arn(&table)?;
                let (dynamodb, activity) = (context.dynamodb.clone(), context.activity.clone());
                (Source::Table { dynamodb, arn, activity }, context.checkpoints.clone())
            }
        };
        Ok(Self { core: MappingCore::new(spec, function, context, checkpoints), source })
    }

    /// Starts reading. With `LATEST`, records written after this returns are delivered.
    pub(super) async fn start(self: &Arc<Self>) -> Result<JoinHandle<()>, EmulatorError> {
        let mut lineage = Lineage::default();
        let mut readers = JoinSet::new();
        if self.core.spec.enabled {
            let shards = self.source.shards().await?;
            if self.core.spec.starting_position == StartingPosition::Latest {
                lineage.skip_closed(&shards);
            }
            self.begin(&shards, self.core.spec.starting_position, &mut lineage, &mut readers).await?;
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
                self.core.warn(&format!("cannot start reading child shards: {error}"));
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
            let checkpoint = self.core.progress.saved_checkpoint(&shard);
            let position = checkpoint.clone().map_or(Position::Start(start), Position::After);
            let iterator = self.source.iterator(&shard, &position).await?;
            self.core.progress.begin(&shard, iterator.clone(), checkpoint);
            readers.spawn(ShardReader::new(Arc::clone(self), shard.clone(), iterator).run());
            lineage.begun.insert(shard);
        }
        Ok(())
    }

    /// True if the starting position and the filters select this record for delivery.
    fn selects(&self, record: &StreamRecord) -> bool {
        !is_before(self.core.spec.starting_position, record.arrived_at) && self.core.spec.filters.matches(&record.event)
    }

    /// True if all records written so far are settled.
    pub(super) async fn is_drained(&self) -> bool {
        for (shard, remainder) in self.core.progress.remaining() {
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

    pub(super) fn id(&self) -> &str {
        &self.core.spec.id
    }

    pub(super) fn status(&self) -> EventSourceStatus {
        self.core.status(self.source.arn())
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
