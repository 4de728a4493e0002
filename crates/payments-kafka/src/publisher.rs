//! Publisher of events to Kafka.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_connection::Aws;
use aws_secrets::Secrets;
use aws_types::SdkConfig;
use payment_events::PaymentEvent;
use payments::{EventPublisher, PublishError};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::batch::Batch;
use crate::message::{KafkaMessage, RecordPosition};
use crate::session::{Clock, Session};
use crate::{KafkaConfig, KafkaError};

/// Time limit of publishing one batch, reconnecting included. The function has 60 s, of which the relay reserves 20 s for
/// quarantine.
const PUBLISH_MAX: Duration = Duration::from_secs(30);
/// Attempts of one batch, each after the first with new connections.
const ATTEMPTS_MAX: usize = 3;
/// Pause before another attempt. A new leader of a partition is usually elected in a second or two.
const PAUSE: Duration = Duration::from_secs(1);
/// Time limit of connecting ahead.
const AHEAD_MAX: Duration = Duration::from_secs(8);

/// Publisher to one Kafka topic.
///
/// - A record is acknowledged when all in-sync replicas have it (`acks=all`). With `min.insync.replicas=1` that may be one
///   broker.
/// - Its partition is that of Java's clients for the order id. Each partition has one request at a time, of at most 500
///   records and 512 KiB, which Kafka appends whole and in order; up to 8 partitions are sent to at once.
/// - After a failure, the remaining events of the partition are sent over new connections, with secrets read again, at
///   most twice. A call ends within 30 s.
/// - An event that Kafka refuses for its size or content is [`PublishError::Rejected`]; a request that is refused is split
///   until that event is alone.
///
/// Connections that were unused for 4 minutes are replaced before use: a sandbox that was frozen may have lost them.
/// The number of partitions is read again every 5 minutes. If it changes, orders move to other partitions, and the hub
/// keeps the order of a payment's events only from there on.
#[derive(Debug)]
pub struct KafkaPublisher {
    aws: SdkConfig,
    secrets: Secrets,
    config: KafkaConfig,
    clock: Clock,
    session: Mutex<Option<Session>>,
}

impl KafkaPublisher {
    /// Creates a publisher, without connecting. Signs with the credentials of `aws`, and reads secrets with `secrets`.
    pub fn new(aws: &Aws, secrets: Secrets, config: KafkaConfig) -> Self {
        Self::by_clock(aws, secrets, config, SystemTime::now)
    }

    /// Like [`KafkaPublisher::new`], for a program that is not a function: signs with the credentials of `aws`.
    pub fn of_operator(aws: SdkConfig, secrets: Secrets, config: KafkaConfig) -> Self {
        Self { aws, secrets, config, clock: SystemTime::now, session: Mutex::new(None) }
    }

    /// Like [`KafkaPublisher::new`], with this clock for the age of connections and metadata.
    pub fn by_clock(aws: &Aws, secrets: Secrets, config: KafkaConfig, clock: fn() -> SystemTime) -> Self {
        Self { aws: aws.config().clone(), secrets, config, clock, session: Mutex::new(None) }
    }

    /// Sends records again, unchanged but for their timestamp. Returns the new position of each, in the order of
    /// `messages`. Preserves the order of records with the same key.
    pub async fn put_back(&self, messages: Vec<KafkaMessage>) -> Vec<Result<RecordPosition, PublishError>> {
        self.send_all(Batch::of_messages(messages)).await
    }

    async fn send_all(&self, mut batch: Batch<'_>) -> Vec<Result<RecordPosition, PublishError>> {
        let error = match Instant::now().checked_add(PUBLISH_MAX) {
            Some(deadline) if !batch.is_complete() => self.send(&mut batch, deadline).await,
            _ => None,
        };
        batch.into_results(&error.map_or_else(|| "not sent".to_owned(), |error| error.to_string()))
    }

    /// Connects, so that the first batch finds connections. A failure is logged, and the first batch connects itself.
    /// Ends within 8 s, since Lambda gives a function 10 s to start.
    pub async fn connect(&self) {
        let connect = async {
            let mut session = self.session.lock().await;
            match Session::connect(&self.aws, &self.secrets, &self.config, self.clock).await {
                Ok(connected) => session.insert(connected).connect_partitions().await,
                Err(error) => tracing::warn!(%error, "no connection ahead of the first event; its batch tries again"),
            }
        };
        if tokio::time::timeout(AHEAD_MAX, connect).await.is_err() {
            tracing::warn!("connecting ahead of the first event ended after {AHEAD_MAX:?}; its batch tries again");
        }
    }

    /// Sends a batch until it is complete or time is up. Returns the last error.
    async fn send(&self, batch: &mut Batch<'_>, deadline: Instant) -> Option<KafkaError> {
        let out_of_time = || Some(KafkaError::OutOfTime { limit: PUBLISH_MAX });
        let Ok(mut session) = timeout_at(deadline, self.session.lock()).await else { return out_of_time() };
        let mut last_error = None;
        for attempt in 1..=ATTEMPTS_MAX {
            let error = match timeout_at(deadline, self.usable(&mut session)).await {
                Ok(Ok(usable)) => usable.send(batch, deadline).await,
                Ok(Err(error)) => Some(error),
                Err(_elapsed) => return last_error.or_else(out_of_time),
            };
            let error = error?;
            // Drops the connections, and with them requests that were given up. Kafka may still append their records:
            // duplicates of those that are sent next.
            *session = None;
            if attempt < ATTEMPTS_MAX {
                tracing::info!(%error, attempt, "sending to Kafka failed; trying again with new connections");
                tokio::time::sleep_until(deadline.min(Instant::now().checked_add(PAUSE).unwrap_or(deadline))).await;
            }
            last_error = Some(error);
        }
        last_error
    }

    /// Returns a session that is neither idle for too long nor outdated.
    async fn usable<'s>(&self, session: &'s mut Option<Session>) -> Result<&'s mut Session, KafkaError> {
        let keep = match session {
            Some(session) => !session.is_idle() && !session.is_outdated().await,
            None => false,
        };
        if !keep {
            *session = None;
        }
        match session {
            Some(session) => Ok(session),
            None => Ok(session.insert(Session::connect(&self.aws, &self.secrets, &self.config, self.clock).await?)),
        }
    }
}

#[async_trait]
impl EventPublisher for KafkaPublisher {
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError> {
        let results = self.publish_all(std::slice::from_ref(event)).await;
        results.into_iter().next().unwrap_or_else(|| Err(PublishError::Failed("there is no result".into())))
    }

    async fn publish_all(&self, events: &[PaymentEvent]) -> Vec<Result<(), PublishError>> {
        let results = self.send_all(Batch::of_events(events)).await;
        results.into_iter().map(|result| result.map(drop)).collect()
    }
}
