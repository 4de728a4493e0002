//! Publication of stored payments from their outbox position, directly and by the outbox relay.

use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use payment_events::PaymentEvent;

use crate::{EventPublisher, Outbox, PaymentRecord, PublishError, RebuildError};

/// Maximum number of positions raised concurrently.
const RAISES_AT_ONCE_MAX: usize = 16;
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
        Self { publisher, outbox }
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
            acknowledged = Some(event);
        }
        if let Some(event) = acknowledged {
            // If this fails, the relay publishes the events again and raises the position.
            self.raise(event).await;
        }
        published
    }

    /// Publishes payments, and returns one outcome per payment, in the order of `records`. A payment whose position could
    /// not be raised counts as deferred, so that its change is redelivered and the position raised then.
    pub async fn publish_all(&self, records: &[PaymentRecord]) -> Vec<Published> {
        let due: Vec<_> = records.iter().map(due).collect();
        let events: Vec<_> = due.iter().flatten().flatten().cloned().collect();
        let mut results = self.publisher.publish_all(&events).await.into_iter();
        let sent: Vec<_> = due.into_iter().map(|events| Sent::of(events, &mut results)).collect();
        let raise = async |Sent { acknowledged, published }: Sent| {
            let Some(event) = acknowledged else { return published };
            match self.raise(&event).await {
                Raise::Done => published,
                Raise::Failed => Published::Deferred,
            }
        };
        stream::iter(sent).map(raise).buffered(RAISES_AT_ONCE_MAX).collect().await
    }

    /// Raises the position to the version of an acknowledged event. Logs a failure.
    async fn raise(&self, event: &PaymentEvent) -> Raise {
        let payment = event.payment();
        let Err(error) = self.outbox.raise_position(&payment.payment_id, payment.version).await else {
            return Raise::Done;
        };
        let source = &error.source;
        tracing::warn!(payment_id = %payment.payment_id, version = payment.version, %error, %source,
            "payment published, but its outbox position was not raised; the relay will publish it again");
        Raise::Failed
    }
}

/// Result of sending the events of one payment.
pub(crate) struct Sent {
    /// Event of the last acknowledged version.
    acknowledged: Option<PaymentEvent>,
    pub(crate) published: Published,
}

impl Sent {
    /// Takes the results of these events. `None` stands for a payment whose events cannot be rebuilt.
    pub(crate) fn of(
        events: Option<Vec<PaymentEvent>>,
        results: &mut impl Iterator<Item = Result<(), PublishError>>,
    ) -> Self {
        let Some(events) = events else { return Self { acknowledged: None, published: Published::Deferred } };
        let mut sent = Self { acknowledged: None, published: Published::Now };
        for event in events {
            match results.next() {
                Some(Ok(())) if sent.published == Published::Now => sent.acknowledged = Some(event),
                Some(Err(PublishError::Failed(cause))) if sent.published == Published::Now => {
                    deferred(&event, &*cause);
                    sent.published = Published::Deferred;
                }
                Some(Err(PublishError::Rejected(cause))) if sent.published == Published::Now => {
                    let rejection = Rejection { version: event.payment().version, cause: cause.to_string() };
                    sent.published = Published::Rejected(rejection);
                }
                None if sent.published == Published::Now => sent.published = Published::Deferred,
                // Not sent, because an earlier version of the payment was not acknowledged.
                _ => {}
            }
        }
        sent
    }
}

/// Returns the events after the payment's position, or `None` if they cannot be rebuilt.
fn due(record: &PaymentRecord) -> Option<Vec<PaymentEvent>> {
    rebuilt(record, record.published_version)
}

/// Returns the events after `position`, or `None` if they cannot be rebuilt.
pub(crate) fn rebuilt(record: &PaymentRecord, position: u64) -> Option<Vec<PaymentEvent>> {
    let log = |error: &RebuildError| {
        tracing::error!(payment_id = %record.payment.payment_id, %error, "payment cannot be published (bug)");
    };
    record.events_after(position).inspect_err(log).ok()
}

fn deferred(event: &PaymentEvent, cause: &dyn Error) {
    let payment = event.payment();
    tracing::warn!(payment_id = %payment.payment_id, order_id = %payment.order_id, version = payment.version,
        error = %cause, "payment not published; it stays in the outbox for the relay");
}
