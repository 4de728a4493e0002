//! A stream in memory.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use payment_events::PaymentEvent;

use crate::{EventPublisher, PublishError};

/// Keeps what is published, and fails for the orders it is told to.
#[derive(Debug, Default)]
pub struct RecordingPublisher {
    published: Mutex<Vec<PaymentEvent>>,
    failing_orders: Mutex<BTreeSet<String>>,
}

impl RecordingPublisher {
    /// Everything published so far, in order.
    pub fn published(&self) -> Vec<PaymentEvent> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on, events of this order are not published.
    pub fn fail_for(&self, order_id: &str) {
        self.failing_orders.lock().unwrap_or_else(PoisonError::into_inner).insert(order_id.to_owned());
    }
}

#[async_trait]
impl EventPublisher for RecordingPublisher {
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError> {
        if self.failing_orders.lock().unwrap_or_else(PoisonError::into_inner).contains(event.partition_key()) {
            return Err(PublishError("this order is set to fail".into()));
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
