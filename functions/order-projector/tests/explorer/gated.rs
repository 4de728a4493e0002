//! A store and a Payments API whose calls wait until the explorer lets them through.

use std::fmt::Write;
use std::sync::Arc;

use async_trait::async_trait;
use orders::testing::MemoryOrders;
use orders::{
    Fulfilment, Inserted, LookedUp, LookupError, Order, OrderQueries, OrderStore, OrderView, PaymentCopies,
    PaymentCopy, PaymentLookup, PlacedOrders, Replaced, StoreError, Stored,
};
use payment_events::{OrderId, PaymentInfo};
use paystream_explorer::{Gate, ready};

use super::World;

/// The ports of a process.
pub(crate) struct Gated(pub(crate) Arc<Gate<World>>);

impl Gated {
    /// Sets the next version of a payment in the Payments API, as one call.
    pub(crate) async fn becomes(&self, payment: PaymentInfo) {
        let described = format!("{}:{}", payment.payment_id, payment.version);
        self.0.call(|world| world.payments.becomes(payment), |()| described).await.unwrap();
    }

    /// Makes one call to the store. No test lets it fail.
    async fn store<T>(
        &self,
        call: impl FnOnce(&MemoryOrders) -> Result<T, StoreError>,
        describe: impl FnOnce(&T) -> String,
    ) -> Result<T, StoreError> {
        Ok(self.0.call(|world| call(&world.store).unwrap(), describe).await.unwrap())
    }
}

#[async_trait]
impl OrderStore for Gated {
    async fn insert(&self, order: &Order) -> Result<Inserted, StoreError> {
        let describe = |inserted: &Inserted| match inserted {
            Inserted::New => "new".to_owned(),
            Inserted::Known(order) => describe_order(order),
        };
        self.store(|store| ready(store.insert(order)), describe).await
    }

    async fn replace(&self, order: &Order, expected_revision: u64) -> Result<Replaced, StoreError> {
        self.store(|store| ready(store.replace(order, expected_revision)), |replaced| format!("{replaced:?}")).await
    }
}

#[async_trait]
impl OrderQueries for Gated {
    async fn read(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.store(|store| ready(store.read(order_id)), describe).await
    }

    async fn placed(&self, order_ids: &[OrderId]) -> Result<PlacedOrders, StoreError> {
        let describe = |placed: &PlacedOrders| placed.orders.iter().map(describe_order).collect();
        self.store(|store| ready(store.placed(order_ids)), describe).await
    }

    async fn payments(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.store(|store| ready(store.payments(order_id)), describe).await
    }
}

#[async_trait]
impl PaymentLookup for Gated {
    async fn payments_of(&self, order_id: &OrderId) -> Result<LookedUp, LookupError> {
        let look_up = |world: &World| ready(world.payments.payments_of(order_id)).unwrap();
        Ok(self.0.call(look_up, |found| describe_payments(&found.payments)).await.unwrap())
    }
}

#[async_trait]
impl PaymentCopies for Gated {
    async fn put_if_newer(&self, payment: &PaymentCopy) -> Result<Stored, StoreError> {
        self.store(|store| ready(store.put_if_newer(payment)), |stored| format!("{stored:?}")).await
    }
}

/// Ids and versions of payments.
pub(crate) fn describe_payments(payments: &[PaymentInfo]) -> String {
    let versions: Vec<_> =
        payments.iter().map(|payment| format!("{}:{}", payment.payment_id, payment.version)).collect();
    versions.join(" ")
}

/// Everything that influences a process. Omits times, which differ between runs.
pub(crate) fn describe(view: &OrderView) -> String {
    let mut text = view.order.as_ref().map(describe_order).unwrap_or_default();
    for stored in &view.payments {
        write!(text, " {}:{}", stored.payment.payment_id, stored.payment.version).unwrap();
    }
    text
}

fn describe_order(order: &Order) -> String {
    let started = order.fulfilment != Fulfilment::NotStarted;
    let mut text = format!("{} {} started={started}", order.status, order.revision);
    for based_on in &order.decision.based_on {
        write!(text, " on {}:{}", based_on.payment_id, based_on.version).unwrap();
    }
    text
}
