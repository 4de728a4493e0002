//! Publication of stored payments from their outbox position, directly and by the outbox relay.

use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::{StreamExt, stream};
use payment_events::PaymentEvent;

use crate::rounds::{Rounds, Sent, left};
use crate::{EventPublisher, Outbox, PaymentRecord, PublishError, RebuildError, RebuiltPayment};

/// Maximum number of positions raised concurrently.
const RAISES_AT_ONCE_MAX: usize = 16;
/// Time before the deadline of an invocation at which the last raise begins: its timeout of 3 s, and the response.
const RAISE: Duration = Duration::from_secs(4);
/// Time of a direct publish, the raise included. What is left is the relay's.
const DIRECT_MAX: Duration = Duration::from_millis(800);

/// Publishes payments from their outbox position: every version after it, in order. A version is sent only when the hub
/// has acknowledged the one before it. Then the position is raised to the last acknowledged version.
///
/// So the first appearances of a payment's versions on the hub are in order, even if several publishers work on it: each
/// of them starts at or below the first version that is not on the hub. Duplicates may follow.
///
/// A version that cannot be published stays after the position, and the outbox relay (`payment-relay`) publishes it from
/// the table's change stream. A failed publish therefore never fails a request.
///
/// Used in `direct` mode. [`StreamPublication`](crate::StreamPublication) is its counterpart in `stream` mode.
#[derive(Clone)]
pub struct Publication {
    publisher: Arc<dyn EventPublisher>,
    outbox: Arc<dyn Outbox>,
    rounds: Rounds,
}

/// Publisher of a new version, by the mode of the system (ADR 28).
#[derive(Clone)]
pub enum PublishMode {
    /// The request that made the version publishes it before it returns, and the outbox relay publishes the rest.
    Direct(Publication),
    /// The outbox relay alone publishes, from the table's change stream.
    Stream,
}

/// Name of a mode, as in the environment variable `PUBLISH_MODE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishModeName {
    /// `direct`.
    Direct,
    /// `stream`.
    Stream,
}

impl PublishModeName {
    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Stream => "stream",
        }
    }
}

/// The text does not name a mode.
#[derive(Debug, thiserror::Error)]
#[error("is neither direct nor stream")]
pub struct UnknownPublishMode;

impl FromStr for PublishModeName {
    type Err = UnknownPublishMode;

    fn from_str(text: &str) -> Result<Self, UnknownPublishMode> {
        match text {
            "direct" => Ok(Self::Direct),
            "stream" => Ok(Self::Stream),
            _ => Err(UnknownPublishMode),
        }
    }
}

impl PublishMode {
    /// Publishes a payment if that is the request's part.
    pub async fn publish(&self, record: &PaymentRecord) -> Published {
        match self {
            Self::Direct(publication) => publication.publish(record).await,
            Self::Stream => Published::ByRelay,
        }
    }
}

/// Outcome of publishing a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// The events of all versions that were due are on the hub.
    Now,
    /// A version could not be published, and the outbox relay publishes it later.
    Deferred,
    /// The outbox relay publishes every version: `stream` mode.
    ByRelay,
    /// The hub can never accept a version. That version and the later ones were not sent. Only the relay has this
    /// outcome: a request leaves the payment to the relay, which quarantines it.
    Rejected(Rejection),
}

/// A version that the hub can never accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Version of the payment.
    pub version: u64,
    /// Why the hub rejects its event, for operators.
    pub cause: String,
}

/// Outcome of raising the position.
enum Raise {
    Done,
    /// The position could not be raised. The versions will be published again, which is harmless.
    Failed,
}

impl Publication {
    /// Creates a publication that sends with `publisher` and raises positions in `outbox`.
    pub fn new(publisher: Arc<dyn EventPublisher>, outbox: Arc<dyn Outbox>) -> Self {
        Self { rounds: Rounds::new(Arc::clone(&publisher)), publisher, outbox }
    }

    /// Publishes one payment directly, before the request returns. Ends after 800 ms.
    pub async fn publish(&self, record: &PaymentRecord) -> Published {
        let published = tokio::time::timeout(DIRECT_MAX, self.publish_in_order(record)).await;
        published.unwrap_or_else(|_elapsed| {
            tracing::warn!(payment_id = %record.payment.payment_id, version = record.payment.version,
                "direct publish ended after {} ms; the relay publishes the rest", DIRECT_MAX.as_millis());
            Published::Deferred
        })
    }

    async fn publish_in_order(&self, record: &PaymentRecord) -> Published {
        let Some(events) = due(record) else { return Published::Deferred };
        let (mut acknowledged, mut published) = (None, Published::Now);
        for event in &events {
            if let Err(PublishError::Failed(cause) | PublishError::Rejected(cause)) =
                self.publisher.publish(event).await
            {
                deferred(event, &*cause);
                published = Published::Deferred;
                break;
            }
            acknowledged = Some(event.payment().version);
        }
        if let Some(version) = acknowledged {
            // If this fails, the relay publishes the events again and raises the position.
            self.raise(record, version).await;
        }
        published
    }

    /// Publishes payments, and returns one outcome per payment, in the order of `payments`. A payment whose position could
    /// not be raised counts as deferred, so that its change is redelivered and the position raised then.
    ///
    /// Ends before `deadline`. A payment with versions left is deferred, and a later call with the same payment continues
    /// after the last acknowledged version.
    pub async fn publish_all(&self, payments: &[RebuiltPayment], deadline: SystemTime) -> Vec<Published> {
        let lanes = payments.iter().map(|payment| self.rounds.lane(payment, |_| true)).collect();
        let sent = self.rounds.send(lanes, deadline).await;
        let raise = async |(payment, Sent { acknowledged, published }): (&RebuiltPayment, Sent)| {
            let record = payment.record();
            let published = match acknowledged {
                None => published,
                Some(_) if left(deadline, RAISE).is_zero() => Published::Deferred,
                Some(version) => match self.raise(record, version).await {
                    Raise::Done => published,
                    Raise::Failed => Published::Deferred,
                },
            };
            let sent = Sent { acknowledged, published };
            self.rounds.remember(record, &sent);
            sent.published
        };
        stream::iter(payments.iter().zip(sent)).map(raise).buffered(RAISES_AT_ONCE_MAX).collect().await
    }

    /// Raises the position to an acknowledged version. Logs a failure.
    async fn raise(&self, record: &PaymentRecord, version: u64) -> Raise {
        let payment_id = &record.payment.payment_id;
        let Err(error) = self.outbox.raise_position(payment_id, version).await else { return Raise::Done };
        let source = &error.source;
        tracing::warn!(%payment_id, version, %error, %source,
            "payment published, but its outbox position was not raised; the relay will publish it again");
        Raise::Failed
    }
}

/// Returns the events after the payment's position, or `None` if they cannot be rebuilt.
fn due(record: &PaymentRecord) -> Option<Vec<PaymentEvent>> {
    let log = |error: &RebuildError| {
        tracing::error!(payment_id = %record.payment.payment_id, %error, "payment cannot be published (bug)");
    };
    record.events_after(record.published_version).inspect_err(log).ok()
}

pub(crate) fn deferred(event: &PaymentEvent, cause: &dyn Error) {
    let payment = event.payment();
    tracing::warn!(payment_id = %payment.payment_id, order_id = %payment.order_id, version = payment.version,
        error = %cause, "payment not published; it stays in the outbox for the relay");
}
