//! Test harness: the projector with in-memory adapters, and batches for it.

mod hub;
mod refusing;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

pub(crate) use hub::*;
use order_projector::Projector;
use orders::testing::MemoryOrders;
use orders::testing::samples::{authorized, euros, request};
use orders::{OrderQueries, OrderStatus, PaymentCopies, PlaceOrder, ProjectPayments, Settle};
use payment_events::{PaymentEvent, PaymentInfo};
use quarantine::MemoryQuarantine;
pub(crate) use refusing::{FINDING, FailingStore, FailureMode, SETTLING};
use serde_json::{Value, json};
use stream_batch::HubEvent;
use telemetry::Metrics;

#[derive(Default)]
pub(crate) struct World {
    pub(crate) hub: Hub,
    pub(crate) store: Arc<MemoryOrders>,
    pub(crate) quarantine: Arc<MemoryQuarantine>,
    pub(crate) metrics: Arc<Mutex<Vec<Value>>>,
}

impl World {
    pub(crate) fn of(hub: Hub) -> Self {
        Self { hub, ..Self::default() }
    }

    /// Delivers records with sequence numbers or offsets from 100, and returns the function's response.
    pub(crate) async fn deliver(&self, records: &[(&str, Vec<u8>)]) -> Value {
        self.deliver_until(records, SystemTime::now() + Duration::from_mins(1)).await
    }

    pub(crate) async fn deliver_until(&self, records: &[(&str, Vec<u8>)], deadline: SystemTime) -> Value {
        self.deliver_through(self.store.clone(), records, deadline).await
    }

    /// Delivers records with `store` for payments and reads. Orders are written to the in-memory store.
    pub(crate) async fn deliver_through<S: PaymentCopies + OrderQueries + 'static>(
        &self,
        store: Arc<S>,
        records: &[(&str, Vec<u8>)],
        deadline: SystemTime,
    ) -> Value {
        self.deliver_event(store, self.hub.event(records), deadline).await
    }

    /// Delivers an event as Lambda sends it. Returns the function's response, or the name of its error.
    pub(crate) async fn deliver_event<S: PaymentCopies + OrderQueries + 'static>(
        &self,
        store: Arc<S>,
        event: Value,
        deadline: SystemTime,
    ) -> Value {
        let settle = Settle::new(self.store.clone(), store.clone());
        let project = ProjectPayments::new(store, settle);
        let written = Arc::clone(&self.metrics);
        let metrics = Metrics::new("projector", move |line| {
            written.lock().unwrap().push(serde_json::from_str(line).unwrap());
        });
        let projector = Projector::new(project, self.quarantine.clone(), metrics);
        let event: HubEvent = serde_json::from_str(&event.to_string()).unwrap();
        match projector.handle(event, deadline).await {
            Ok(response) => serde_json::to_value(response).unwrap(),
            Err(failed) => json!({"error": format!("{failed:?}").split(' ').next()}),
        }
    }

    /// Returns all values of a metric so far.
    pub(crate) fn metric(&self, name: &str) -> Vec<Value> {
        let lines = self.metrics.lock().unwrap();
        lines.iter().filter_map(|line| line.get(name).cloned()).collect()
    }

    pub(crate) async fn place(&self, order_id: &str) -> OrderStatus {
        let place = PlaceOrder::new(self.store.clone(), self.store.clone());
        place.place(request(order_id, euros(1_000))).await.unwrap().order.status
    }

    pub(crate) fn status(&self, order_id: &str) -> OrderStatus {
        self.store.order(order_id).unwrap().status
    }

    pub(crate) async fn versions(&self, order_id: &str) -> Vec<u64> {
        let view = self.store.read(&order_id.parse().unwrap()).await.unwrap();
        view.payments.iter().map(|stored| stored.payment.version).collect()
    }
}

pub(crate) fn payment(order_id: &str, payment_id: &str) -> PaymentInfo {
    PaymentInfo { order_id: order_id.parse().unwrap(), ..authorized(payment_id, euros(1_000)) }
}

pub(crate) fn event(payment: &PaymentInfo) -> (&str, Vec<u8>) {
    (payment.order_id.as_str(), PaymentEvent::new(payment.clone(), None).unwrap().encode())
}
