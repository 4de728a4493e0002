//! Event source mapping of RabbitMQ (Amazon MQ): consumes one queue, and invokes a function with batches of messages.
//!
//! A batch is acknowledged after the function has succeeded, and returned whole if it has failed. Batches are delivered
//! one at a time: "For RabbitMQ, the number of concurrent execution environments is limited to 1"
//! ([AWS](https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html)). docs/event-source-mappings.md lists each rule.

mod event;
mod gather;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::progress::MappingProgress;
use super::{MappingContext, MappingError, RetryDelays};
use crate::amqp::{Access, AmqpError, QueueKind};
use crate::hubs::HubKind;
use crate::lambda::{Function, InvokeError};
use crate::log::LogSink;
use crate::status::EventSourceStatus;
use crate::template::{MappingSpec, RabbitMqSource};
use session::Session;

/// Time for a mapping to say that it is drained. One that is delivering a batch does not answer.
const DRAINED_TIMEOUT: Duration = Duration::from_secs(1);

/// The method that returns a failed batch to the queue. AWS does not document it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RabbitMqReturn {
    /// One `basic.nack` for the whole batch. RabbitMQ 4.3 does not count it towards the delivery limit.
    #[default]
    Nack,
    /// A `basic.reject` for each message.
    Reject,
}

/// Choices between behaviours that AWS does not document. A function must bear each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RabbitMqSimulation {
    /// Return of a failed batch.
    pub returns: RabbitMqReturn,
    /// Kind of the queue that the environment declares if it is missing. A deployer chooses it on AWS.
    pub queue: QueueKind,
}

/// Function that a mapping invokes.
#[derive(Clone)]
pub(crate) enum Invoked {
    Function(Arc<Function>),
    #[cfg(test)]
    Test(tests::TestFunction),
}

impl Invoked {
    async fn invoke(&self, event: String) -> Result<(), InvokeError> {
        match self {
            Self::Function(function) => function.invoke(Bytes::from(event)).await.map(drop),
            #[cfg(test)]
            Self::Test(function) => function.invoke(&event).await,
        }
    }
}

/// An event source mapping of a queue.
pub(crate) struct RabbitMqMapping {
    spec: MappingSpec,
    source: RabbitMqSource,
    access: Access,
    simulation: RabbitMqSimulation,
    function: Invoked,
    progress: MappingProgress,
    retry: RetryDelays,
    log: LogSink,
    stop: CancellationToken,
    /// Cancelled before `stop`, to deliver without waiting for batching windows.
    draining: CancellationToken,
    /// Sender and receiver of questions whether all messages are settled.
    drained: mpsc::Sender<oneshot::Sender<bool>>,
    questions: Mutex<Option<Questions>>,
}

type Questions = mpsc::Receiver<oneshot::Sender<bool>>;

/// End of a session with the broker.
enum SessionEnd {
    Stopped,
    Failed(AmqpError),
}

impl From<AmqpError> for SessionEnd {
    fn from(error: AmqpError) -> Self {
        Self::Failed(error)
    }
}

impl RabbitMqMapping {
    pub(super) fn new(
        spec: MappingSpec,
        source: RabbitMqSource,
        function: Invoked,
        context: MappingContext,
    ) -> Result<Self, MappingError> {
        let none = MappingError::NoHub { needed: "RabbitMQ broker", hub: "rabbitmq" };
        let hub = context.hub.clone().filter(|hub| hub.kind() == HubKind::RabbitMq).ok_or(none)?;
        let access = Access::of(&hub.url, &source.virtual_host);
        let MappingContext { rabbitmq: simulation, retry, log, stop, draining, .. } = context;
        let progress = MappingProgress::new(&spec.id, None);
        let (drained, questions) = mpsc::channel(1);
        let questions = Mutex::new(Some(questions));
        Ok(Self {
            spec,
            source,
            access,
            simulation,
            function,
            progress,
            retry,
            log,
            stop,
            draining,
            drained,
            questions,
        })
    }

    pub(super) fn id(&self) -> &str {
        &self.spec.id
    }

    /// Starts to consume. A broker that is not reachable is tried again until the environment stops.
    pub(super) fn start(self: &Arc<Self>) -> JoinHandle<()> {
        let questions = self.questions.lock().take().filter(|_| self.spec.enabled);
        let mapping = Arc::clone(self);
        tokio::spawn(async move {
            if let Some(questions) = questions {
                mapping.keep_consuming(questions).await;
            }
        })
    }

    /// True if the queue is empty and all its messages are settled.
    pub(super) async fn is_drained(&self) -> bool {
        if !self.spec.enabled {
            return true;
        }
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.drained.send(reply).await.ok()?;
            answer.await.ok()
        };
        tokio::time::timeout(DRAINED_TIMEOUT, asked).await.ok().flatten().unwrap_or(false)
    }

    pub(super) fn status(&self) -> EventSourceStatus {
        let (progress, count) = (&self.progress, |counter: &AtomicU64| counter.load(Ordering::Relaxed));
        EventSourceStatus {
            function: self.spec.function.clone(),
            stream_arn: self.source.broker_arn.clone(),
            enabled: self.spec.enabled,
            settings: self.spec.settings(&self.source.broker_arn),
            records: count(&progress.records),
            batches: count(&progress.batches),
            retries: count(&progress.retries),
            failures: count(&progress.failures),
            given_up: count(&progress.given_up),
            filtered: count(&progress.filtered),
            // A queue has no positions.
            shards: progress.status(),
        }
    }

    async fn keep_consuming(self: Arc<Self>, mut questions: Questions) {
        let mut failures = 0;
        loop {
            let session = Session::open(&self).await;
            let is_open = session.is_ok();
            let end = match session {
                Ok(mut session) => session.consume(&mut questions).await.err(),
                Err(error) => Some(SessionEnd::Failed(error)),
            };
            let Some(SessionEnd::Failed(error)) = end else { return };
            failures = if is_open { 0 } else { failures + 1 };
            self.warn(&format!("{error}; connecting again"));
            if self.pause(failures).await.is_err() {
                return;
            }
        }
    }

    /// Waits as long as before a retry that so many failures precede.
    async fn pause(&self, failures: u32) -> Result<(), SessionEnd> {
        let pause = tokio::time::sleep(self.retry.delay(failures));
        self.stop.run_until_cancelled(pause).await.ok_or(SessionEnd::Stopped)
    }

    fn warn(&self, message: &str) {
        self.log.warn(&format!("{}: {message}", self.spec.id));
    }
}
