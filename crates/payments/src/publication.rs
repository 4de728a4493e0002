//! Publication of stored payments: direct publish and outbox relay.

use std::sync::Arc;

use futures::{StreamExt, stream};
use payment_events::PaymentEvent;

use crate::{EventPublisher, Outbox, Payment, PublishError};

/// Maximum number of marks cleared concurrently.
const MARKS_AT_ONCE_MAX: usize = 16;

/// Publishes payments and clears their `unpublished` mark.
///
/// A payment that cannot be published keeps its mark, and the outbox relay (`payment-relay`) publishes it from the
/// table's change stream. A failed publish therefore never fails a request.
#[derive(Clone)]
pub struct Publication {
    publisher: Arc<dyn EventPublisher>,
    outbox: Arc<dyn Outbox>,
}

/// Outcome of publishing a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The event is on the stream.
    Now,
    /// The payment keeps its mark, and the outbox relay publishes it later.
    Deferred,
}

/// Outcome of clearing the mark of a published event.
enum Mark {
    Cleared,
    /// The mark could not be cleared. The payment will be published again, which is harmless.
    Kept,
}

impl Publication {
    /// Creates a publication that sends with `publisher` and clears `unpublished` marks in `outbox`.
    pub fn new(publisher: Arc<dyn EventPublisher>, outbox: Arc<dyn Outbox>) -> Self {
        Self { publisher, outbox }
    }

    /// Publishes one payment directly, before the request returns.
    pub async fn publish(&self, payment: &Payment) -> Published {
        let Some(event) = publishable(payment) else { return Published::Deferred };
        if let Err(error) = self.publisher.publish(&event).await {
            deferred(&event, &error);
            return Published::Deferred;
        }
        // If this fails, the relay publishes the event again and clears the mark.
        self.clear_mark(&event).await;
        Published::Now
    }

    /// Publishes payments, and returns one outcome per payment, in the order of `payments`. A payment whose mark could
    /// not be cleared counts as deferred, so that its change is redelivered and the mark cleared then.
    pub async fn publish_all(&self, payments: &[Payment]) -> Vec<Published> {
        let events: Vec<_> = payments.iter().map(publishable).collect();
        let sendable: Vec<_> = events.iter().flatten().cloned().collect();
        let mut results = self.publisher.publish_all(&sendable).await.into_iter();
        let sent: Vec<_> = events
            .into_iter()
            .map(|event| {
                let event = event?;
                let result = results.next()?;
                result.inspect_err(|error| deferred(&event, error)).ok().map(|()| event)
            })
            .collect();
        let unmark = async |event: Option<PaymentEvent>| match event {
            Some(event) => match self.clear_mark(&event).await {
                Mark::Cleared => Published::Now,
                Mark::Kept => Published::Deferred,
            },
            None => Published::Deferred,
        };
        stream::iter(sent).map(unmark).buffered(MARKS_AT_ONCE_MAX).collect().await
    }

    /// Clears the mark of a published event. Logs a failure.
    async fn clear_mark(&self, event: &PaymentEvent) -> Mark {
        let payment = event.payment();
        let Err(error) = self.outbox.mark_published(&payment.payment_id, payment.version).await else {
            return Mark::Cleared;
        };
        let source = &error.source;
        tracing::warn!(payment_id = %payment.payment_id, version = payment.version, %error, %source,
            "payment published, but its unpublished mark was not cleared; the relay will publish it again");
        Mark::Kept
    }
}

fn publishable(payment: &Payment) -> Option<PaymentEvent> {
    payment
        .event()?
        .inspect_err(|error| {
            tracing::error!(payment_id = %payment.payment_id, %error, "payment violates the event contract (bug)");
        })
        .ok()
}

fn deferred(event: &PaymentEvent, error: &PublishError) {
    let payment = event.payment();
    tracing::warn!(payment_id = %payment.payment_id, order_id = %payment.order_id, version = payment.version,
        error = %error.0, "payment not published; it stays in the outbox for the relay");
}
