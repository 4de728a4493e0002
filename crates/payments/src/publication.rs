//! Making stored payments known.

use std::sync::Arc;

use futures::{StreamExt, stream};
use payment_events::PaymentEvent;

use crate::{EventPublisher, Outbox, Payment, PublishError};

/// Marks that are cleared at once.
const MARKS_AT_ONCE_MAX: usize = 16;

/// Publishes payments and clears their `unpublished` mark.
///
/// A payment that cannot be published now keeps its mark, and is published from the table's change stream
/// (`payment-relay`). So nothing here can fail a request.
#[derive(Clone)]
pub struct Publication {
    publisher: Arc<dyn EventPublisher>,
    outbox: Arc<dyn Outbox>,
}

/// What became of a payment to publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It is on the stream.
    Now,
    /// It keeps its mark, and will be.
    Deferred,
}

/// What became of the mark of a published event.
enum Mark {
    Cleared,
    /// It could not be cleared, so that the payment is published once more, which changes nothing.
    Kept,
}

impl Publication {
    /// Publishes with `publisher` what is marked in `outbox`.
    pub fn new(publisher: Arc<dyn EventPublisher>, outbox: Arc<dyn Outbox>) -> Self {
        Self { publisher, outbox }
    }

    /// Publishes one payment, on the way out of a request.
    pub async fn publish(&self, payment: &Payment) -> Published {
        let Some(event) = publishable(payment) else { return Published::Deferred };
        if let Err(error) = self.publisher.publish(&event).await {
            deferred(&event, &error);
            return Published::Deferred;
        }
        // Where this fails, the relay publishes it once more, and clears the mark.
        self.clear_mark(&event).await;
        Published::Now
    }

    /// Publishes many payments, and answers for each in its place. One whose mark could not be cleared counts as deferred:
    /// nobody else would clear it.
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

    /// Clears the mark of a published event. A failure is only logged.
    async fn clear_mark(&self, event: &PaymentEvent) -> Mark {
        let payment = event.payment();
        let Err(error) = self.outbox.mark_published(&payment.payment_id, payment.version).await else {
            return Mark::Cleared;
        };
        let source = &error.source;
        tracing::warn!(payment_id = %payment.payment_id, version = payment.version, %error, %source,
            "published, but still marked as unpublished");
        Mark::Kept
    }
}

fn publishable(payment: &Payment) -> Option<PaymentEvent> {
    payment
        .event()?
        .inspect_err(|error| tracing::error!(payment_id = %payment.payment_id, %error, "not publishable: a defect"))
        .ok()
}

fn deferred(event: &PaymentEvent, error: &PublishError) {
    let payment = event.payment();
    tracing::warn!(payment_id = %payment.payment_id, order_id = %payment.order_id, version = payment.version,
        error = %error.0, "not published yet, left to the relay");
}
