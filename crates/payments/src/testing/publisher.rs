//! In-memory event publisher.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use payment_events::PaymentEvent;

use crate::{EventPublisher, PublishError};

/// Records the events that it publishes, fails for selected orders, and rejects selected events.
#[derive(Debug, Default)]
pub struct RecordingPublisher {
    published: Mutex<Vec<PaymentEvent>>,
    failing_orders: Mutex<BTreeSet<String>>,
    rejected_events: Mutex<BTreeSet<String>>,
}

impl RecordingPublisher {
    /// Returns all events published so far, in order.
    pub fn published(&self) -> Vec<PaymentEvent> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes every later publish of this order's events fail.
    pub fn fail_for(&self, order_id: &str) {
        self.failing_orders.lock().unwrap_or_else(PoisonError::into_inner).insert(order_id.to_owned());
    }

    /// Rejects the event with this id from now on.
    pub fn reject(&self, event_id: &str) {
        self.rejected_events.lock().unwrap_or_else(PoisonError::into_inner).insert(event_id.to_owned());
    }
}

#[async_trait]
impl EventPublisher for RecordingPublisher {
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError> {
        if self.failing_orders.lock().unwrap_or_else(PoisonError::into_inner).contains(event.partition_key()) {
            return Err(PublishError::Failed("publishing is set to fail for this order".into()));
        }
        if self.rejected_events.lock().unwrap_or_else(PoisonError::into_inner).contains(&event.id()) {
            return Err(PublishError::Rejected("this event is set to be rejected".into()));
        }
        self.published.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        Ok(())
    }

    async fn publish_all(&self, events: &[PaymentEvent]) -> Vec<Result<(), PublishError>> {
        let (mut results, mut stopped) = (Vec::with_capacity(events.len()), BTreeSet::new());
        for event in events {
            let payment_id = &event.payment().payment_id;
            let result = if stopped.contains(payment_id) {
                Err(PublishError::Failed("an earlier version failed".into()))
            } else {
                self.publish(event).await
            };
            if result.is_err() {
                stopped.insert(payment_id);
            }
            results.push(result);
        }
        results
    }
}
