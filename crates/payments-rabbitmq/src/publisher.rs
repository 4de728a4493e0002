//! The publisher: keeps a connection, and replaces it when it fails.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use amqprs::channel::Channel;
use amqprs::connection::Connection;
use async_trait::async_trait;
use aws_connection::{Encryption, trust_only};
use aws_secrets::{Credentials, Secrets};
use payment_events::PaymentEvent;
use payments::{EventPublisher, PublishError};
use rustls::ClientConfig;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::batch::{Batch, PublishResult};
use crate::error::{BrokerError, Cause};
use crate::message::Message;
use crate::opening::Opening;
use crate::session::{Report, Session};
use crate::settings::Settings;

/// Time limit of a call, connecting included. A relay has 60 s, and needs the rest to quarantine images.
const PUBLISH_MAX: Duration = Duration::from_secs(25);
/// Longest wait for a confirm on a new connection.
const CONFIRM_MAX: Duration = Duration::from_secs(10);
/// Longest wait for a confirm on a connection that was kept. It may have been cut while the sandbox was frozen.
const KEPT_CONFIRM_MAX: Duration = Duration::from_secs(3);
/// How long an unused connection is kept. In a frozen sandbox nothing answers the broker's heartbeats, and it ends the
/// connection after two of them, 60 s each. Measured in wall-clock time, since the monotonic clock may be frozen as well.
const KEPT: Duration = Duration::from_mins(1);
/// Maximum number of messages in flight.
const IN_FLIGHT_MAX: usize = 100;
/// Username and password of a new RabbitMQ, with access from its own machine only.
const GUEST: &str = "guest";

/// Publisher to an exchange of RabbitMQ. A call ends within 25 s.
///
/// Keeps one connection. It is replaced after 60 s without use, and when it fails; the messages that were not confirmed
/// are then sent again, once.
#[derive(Debug)]
pub struct RabbitMqPublisher {
    settings: Arc<Settings>,
    secrets: Secrets,
    /// Connection of the last call, and the time of its end.
    kept: Mutex<Option<(Session, SystemTime)>>,
}

impl RabbitMqPublisher {
    /// Creates a publisher. Reads the secrets that `settings` names at each connection, so that they can be rotated.
    pub fn new(settings: Settings, secrets: Secrets) -> Self {
        Self { settings: Arc::new(settings), secrets, kept: Mutex::new(None) }
    }

    /// Connects ahead of the first call. A failure is logged, and the first call connects itself.
    pub async fn connect(&self) {
        let connected = async {
            let mut kept = self.kept.lock().await;
            *kept = Some((self.session().await?, SystemTime::now()));
            Ok::<_, BrokerError>(())
        };
        let timed_out = Err(BrokerError::new(&self.settings, Cause::OutOfTime(PUBLISH_MAX)));
        if let Err(error) = timeout(PUBLISH_MAX, connected).await.unwrap_or(timed_out) {
            tracing::warn!(%error, "could not connect before the first event; the first event will try again");
        }
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Opens a connection and a channel beside that of the publisher, for a command that also reads queues. They end with
    /// the runtime.
    pub async fn open_channel(&self) -> Result<(Connection, Channel), BrokerError> {
        let open = async {
            let opened = self.opening().await?.open().await?;
            Ok((opened.connection, opened.channel))
        };
        let opened = timeout(PUBLISH_MAX, open).await.unwrap_or(Err(Cause::ConnectTimedOut(PUBLISH_MAX)));
        opened.map_err(|cause| BrokerError::new(&self.settings, cause))
    }

    /// Publishes messages. Returns one result per message, in their order. Messages with the same key keep their order, and
    /// none is sent after one of its lineage that failed.
    pub async fn publish_messages(&self, messages: &[Message]) -> Vec<Result<(), PublishError>> {
        let mut batch = Batch::new(messages);
        if timeout(PUBLISH_MAX, self.send(&mut batch)).await.is_err() {
            batch.fail_rest(BrokerError::new(&self.settings, Cause::OutOfTime(PUBLISH_MAX)));
        }
        batch.into_results()
    }

    async fn send(&self, batch: &mut Batch<'_>) {
        let mut kept = self.kept.lock().await;
        while !batch.is_settled() {
            let usable = kept.take().filter(|(session, used_at)| session.is_open() && is_recent(*used_at));
            let (mut session, confirm_max) = match usable {
                Some((session, _)) => (session, KEPT_CONFIRM_MAX),
                None => match self.session().await {
                    Ok(session) => (session, CONFIRM_MAX),
                    Err(error) => return batch.fail_rest(error),
                },
            };
            match self.send_over(&mut session, batch, confirm_max).await {
                Ok(()) => *kept = Some((session, SystemTime::now())),
                // The connection may have ended because of its age, or because of a message that is settled now.
                Err(End { error, may_retry }) if may_retry || confirm_max == KEPT_CONFIRM_MAX => {
                    tracing::warn!(%error, "connection to RabbitMQ ended; connects again and sends what was not confirmed");
                }
                Err(End { error, .. }) => return batch.fail_rest(error),
            }
        }
    }

    /// Sends all messages that are not settled, and waits until they are. Waits for each confirm at most `confirm_max`.
    async fn send_over(&self, session: &mut Session, batch: &mut Batch<'_>, confirm_max: Duration) -> Result<(), End> {
        let (mut lanes, mut in_flight, mut may_retry) = (batch.lanes(), 0_usize, false);
        loop {
            while in_flight < IN_FLIGHT_MAX
                && let Some(place) = lanes.next()
            {
                match batch.unsettled(place) {
                    Some(message) => {
                        session.publish(place, message.clone());
                        in_flight = in_flight.saturating_add(1);
                    }
                    // An earlier message of its lineage failed meanwhile.
                    None => lanes.release(batch.key(place)),
                }
            }
            if in_flight == 0 {
                return Ok(());
            }
            let not_confirmed = Report::Ended(Cause::NotConfirmed(confirm_max));
            match timeout(confirm_max, session.report()).await.unwrap_or(not_confirmed) {
                Report::Settled(place, outcome) => {
                    in_flight = in_flight.saturating_sub(1);
                    may_retry = matches!(outcome, crate::confirms::Outcome::TooLarge(_));
                    batch.apply(place, outcome, &self.settings);
                    lanes.release(batch.key(place));
                }
                Report::Ended(cause) => return Err(End { error: BrokerError::new(&self.settings, cause), may_retry }),
            }
        }
    }

    /// Opens a connection with the present content of the secrets.
    async fn session(&self) -> Result<Session, BrokerError> {
        let opening = self.opening().await.map_err(|cause| BrokerError::new(&self.settings, cause))?;
        Session::open(opening).await
    }

    async fn opening(&self) -> Result<Opening, Cause> {
        let (credentials, tls) = tokio::try_join!(self.credentials(), self.tls())?;
        Ok(Opening { settings: Arc::clone(&self.settings), credentials, tls })
    }

    async fn credentials(&self) -> Result<Credentials, Cause> {
        match &self.settings.secret_arn {
            Some(arn) => Ok(self.secrets.credentials(arn).await?),
            None => Ok(Credentials { username: GUEST.to_owned(), password: GUEST.to_owned() }),
        }
    }

    async fn tls(&self) -> Result<Option<ClientConfig>, Cause> {
        match (self.settings.encryption, &self.settings.ca_secret_arn) {
            (Encryption::Plaintext, _) => Ok(None),
            (Encryption::Tls, None) => Ok(Some(self.settings.trust.client_config())),
            (Encryption::Tls, Some(arn)) => {
                let pem = self.secrets.certificate(arn).await?;
                trust_only(&pem).map(Some).map_err(|error| Cause::Ca { arn: arn.clone(), error })
            }
        }
    }
}

/// End of a connection.
struct End {
    error: BrokerError,
    /// True if a message was the reason that is settled now, so that the others may be sent.
    may_retry: bool,
}

/// Returns false if the clock was set back, since the age is then unknown.
fn is_recent(used_at: SystemTime) -> bool {
    SystemTime::now().duration_since(used_at).is_ok_and(|age| age < KEPT)
}

#[async_trait]
impl EventPublisher for RabbitMqPublisher {
    async fn publish(&self, event: &PaymentEvent) -> PublishResult {
        let results = self.publish_messages(&[Message::of_event(event)]).await;
        results.into_iter().next().unwrap_or(Ok(()))
    }

    async fn publish_all(&self, events: &[PaymentEvent]) -> Vec<PublishResult> {
        let messages: Vec<_> = events.iter().map(Message::of_event).collect();
        self.publish_messages(&messages).await
    }
}
