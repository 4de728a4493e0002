//! Writes whose response is lost, so that the SDK sends them twice.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;

use async_trait::async_trait;
use orders::testing::MemoryOrders;
use orders::testing::samples::{authorized, euros, request};
use orders::{
    Inserted, Order, OrderQueries, OrderStatus, OrderStore, OrderView, PaymentCopies, PaymentCopy, PlaceOrder,
    PlacedOrders, Placement, ProjectPayments, Replaced, Settle, StoreError, Stored,
};
use payment_events::OrderId;

#[derive(Default)]
struct RetriedWrites(MemoryOrders);

#[async_trait]
impl OrderStore for RetriedWrites {
    async fn insert(&self, order: &Order) -> Result<Inserted, StoreError> {
        self.0.insert(order).await?;
        self.0.insert(order).await
    }

    async fn replace(&self, order: &Order, expected_revision: u64) -> Result<Replaced, StoreError> {
        self.0.replace(order, expected_revision).await?;
        self.0.replace(order, expected_revision).await
    }
}

#[async_trait]
impl OrderQueries for RetriedWrites {
    async fn read(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.0.read(order_id).await
    }

    async fn placed(&self, order_ids: &[OrderId]) -> Result<PlacedOrders, StoreError> {
        self.0.placed(order_ids).await
    }

    async fn payments(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.0.payments(order_id).await
    }
}

#[async_trait]
impl PaymentCopies for RetriedWrites {
    async fn put_if_newer(&self, payment: &PaymentCopy) -> Result<Stored, StoreError> {
        self.0.put_if_newer(payment).await?;
        self.0.put_if_newer(payment).await
    }
}

#[tokio::test]
async fn an_order_whose_insert_was_retried_is_new_once() {
    let store = Arc::new(RetriedWrites::default());
    let place = PlaceOrder::new(store.clone(), store.clone());
    assert_eq!(place.place(request("ord-1", euros(1_000))).await.unwrap().placement, Placement::New);
    assert_eq!(place.place(request("ord-1", euros(1_000))).await.unwrap().placement, Placement::Repeated);
}

#[tokio::test]
async fn a_payment_whose_write_was_retried_settles_its_order() {
    let store = Arc::new(RetriedWrites::default());
    PlaceOrder::new(store.clone(), store.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    let project = ProjectPayments::new(store.clone(), Settle::new(store.clone(), store.clone()));
    project.project(vec![authorized("pay_1", euros(1_000))]).await.unwrap();
    let order = store.0.order("ord-1").unwrap();
    assert_eq!((order.status, order.revision), (OrderStatus::Accepted, 2));
}
