//! Making stored payments known.

use std::sync::Arc;

use futures::{StreamExt, stream};
use payment_events::PaymentEvent;

use crate::{EventPublisher, Outbox, Payment};

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
        self.mark(&event).await;
        Published::Now
    }

    /// Publishes many payments, and answers for each in its place.
    pub async fn publish_all(&self, payments: &[Payment]) -> Vec<Published> {
        let events: Vec<_> = payments.iter().map(publishable).collect();
        let sendable: Vec<_> = events.iter().flatten().cloned().collect();
        let mut results = self.publisher.publish_all(&sendable).await.into_iter();
        let publish = |event: Option<PaymentEvent>| match (&event, event.as_ref().and_then(|_| results.next())) {
            (Some(_), Some(Ok(()))) => event,
            (Some(event), Some(Err(error))) => {
                deferred(event, &error);
                None
            }
            _ => None,
        };
        let published: Vec<_> = events.into_iter().map(publish).collect();
        stream::iter(published.iter().flatten())
            .for_each_concurrent(MARKS_AT_ONCE_MAX, async |event| self.mark(event).await)
            .await;
        published.iter().map(|event| if event.is_some() { Published::Now } else { Published::Deferred }).collect()
    }

    /// A mark that stays costs one more event, which changes nothing. So a failure here is only logged.
    async fn mark(&self, event: &PaymentEvent) {
        let payment = event.payment();
        if let Err(error) = self.outbox.mark_published(&payment.payment_id, payment.version).await {
            let source = &error.source;
            tracing::warn!(payment_id = %payment.payment_id, version = payment.version, %error, %source,
                "published, but still marked as unpublished");
        }
    }
}

fn publishable(payment: &Payment) -> Option<PaymentEvent> {
    payment
        .event()?
        .inspect_err(|error| tracing::error!(payment_id = %payment.payment_id, %error, "not publishable: a defect"))
        .ok()
}

fn deferred(event: &PaymentEvent, error: &crate::PublishError) {
    let payment = event.payment();
    tracing::warn!(payment_id = %payment.payment_id, order_id = %payment.order_id, version = payment.version,
        error = %error.0, "not published yet, left to the relay");
}
