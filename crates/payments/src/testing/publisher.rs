//! In-memory event publisher.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use payment_events::PaymentEvent;

use crate::{EventPublisher, PublishError};

/// Records the events that it publishes, and fails for selected orders.
#[derive(Debug, Default)]
pub struct RecordingPublisher {
    published: Mutex<Vec<PaymentEvent>>,
    failing_orders: Mutex<BTreeSet<String>>,
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
}

#[async_trait]
impl EventPublisher for RecordingPublisher {
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError> {
        if self.failing_orders.lock().unwrap_or_else(PoisonError::into_inner).contains(event.partition_key()) {
            return Err(PublishError("publishing is set to fail for this order".into()));
        }
        self.published.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        Ok(())
    }

    async fn publish_all(&self, events: &[PaymentEvent]) -> Vec<Result<(), PublishError>> {
        let mut results = Vec::with_capacity(events.len());
        for event in events {
            results.push(self.publish(event).await);
        }
        results
    }
}
