//! Event source mappings: read each shard of a stream, or each partition of a topic, in order and invoke a function with
//! batches of its records.
//!
//! A [`stream`] or [`kafka`] reader puts records into [`slot`]s. The slots' batches are [`deliver`]ed, by the rules of
//! [`decide`], and a [`ledger`] for each shard or partition determines its checkpoint. A [`rabbitmq`] mapping has neither
//! positions nor partial batches: it acknowledges a batch or returns it to its queue.
//!
//! docs/event-source-mappings.md lists AWS's documentation and the tests for each rule.

mod batch;
mod checkpoints;
mod core;
mod decide;
mod deliver;
mod failures;
mod kafka;
mod ledger;
mod on_failure;
mod progress;
mod rabbitmq;
mod response;
mod retry;
mod slot;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use checkpoints::Checkpoints;
pub(crate) use failures::FailureList;
pub use failures::{FailedBatch, Failures};
pub use kafka::{KafkaBatches, KafkaSimulation, OffsetReset};
pub use rabbitmq::{RabbitMqReturn, RabbitMqSimulation};
pub use retry::RetryDelays;

use crate::emulators::{DynamoDb, EmulatorError, Kinesis};
use crate::hubs::{Hub, KafkaError};
use crate::lambda::Function;
use crate::log::LogSink;
use crate::status::EventSourceStatus;
use crate::template::{MappingSource, MappingSpec};
use kafka::KafkaMapping;
use rabbitmq::{Invoked, RabbitMqMapping};
use stream::{Stream, StreamMapping};

/// Shared dependencies of all mappings.
#[derive(Clone)]
pub(crate) struct MappingContext {
    pub(crate) kinesis: Kinesis,
    pub(crate) dynamodb: DynamoDb,
    /// The hub outside this process, if the environment has one.
    pub(crate) hub: Option<Hub>,
    /// Behaviour of Kafka mappings that AWS does not document.
    pub(crate) kafka: KafkaSimulation,
    /// Behaviour of RabbitMQ mappings that AWS does not document.
    pub(crate) rabbitmq: RabbitMqSimulation,
    /// Changes whenever an invocation ends, because it may have written to a table.
    pub(crate) activity: watch::Receiver<u64>,
    /// Stored checkpoints of table streams and of topics.
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

/// Reason why a mapping cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MappingError {
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error("its source is a {needed}: choose it with --parameter Hub={hub} --hub-url HOST:PORT")]
    NoHub { needed: &'static str, hub: &'static str },
}

/// An event source mapping, by the kind of its source.
pub(crate) enum Mapping {
    /// Of a Kinesis stream or of a table.
    Stream(Arc<StreamMapping>),
    /// Of a topic.
    Kafka(Arc<KafkaMapping>),
    /// Of a queue.
    RabbitMq(Arc<RabbitMqMapping>),
}

impl Mapping {
    pub(crate) fn new(
        spec: MappingSpec,
        function: Arc<Function>,
        context: MappingContext,
    ) -> Result<Self, MappingError> {
        let stream = match spec.source.clone() {
            MappingSource::Kinesis(name) => Stream::Kinesis(name),
            MappingSource::Table(name) => Stream::Table(name),
            MappingSource::Kafka(source) => {
                return Ok(Self::Kafka(Arc::new(KafkaMapping::new(spec, source, function, context)?)));
            }
            MappingSource::RabbitMq(source) => {
                let function = Invoked::Function(function);
                return Ok(Self::RabbitMq(Arc::new(RabbitMqMapping::new(spec, source, function, context)?)));
            }
        };
        Ok(Self::Stream(Arc::new(StreamMapping::new(spec, stream, function, context)?)))
    }

    /// Returns the logical id.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Stream(mapping) => mapping.id(),
            Self::Kafka(mapping) => mapping.id(),
            Self::RabbitMq(mapping) => mapping.id(),
        }
    }

    /// Starts reading. With `LATEST`, records written after this returns are delivered.
    pub(crate) async fn start(&self) -> Result<JoinHandle<()>, MappingError> {
        Ok(match self {
            Self::Stream(mapping) => mapping.start().await?,
            Self::Kafka(mapping) => mapping.start().await?,
            Self::RabbitMq(mapping) => mapping.start(),
        })
    }

    /// True if all records written so far are settled.
    pub(crate) async fn is_drained(&self) -> bool {
        match self {
            Self::Stream(mapping) => mapping.is_drained().await,
            Self::Kafka(mapping) => mapping.is_drained().await,
            Self::RabbitMq(mapping) => mapping.is_drained().await,
        }
    }

    pub(crate) fn status(&self) -> EventSourceStatus {
        match self {
            Self::Stream(mapping) => mapping.status(),
            Self::Kafka(mapping) => mapping.status(),
            Self::RabbitMq(mapping) => mapping.status(),
        }
    }
}
