//! A store that runs a concurrent process between a read and the write that follows.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use orders::testing::MemoryOrders;
use orders::{
    Inserted, Order, OrderQueries, OrderStore, OrderView, PaymentCopies, PaymentCopy, PlaceOrder, PlacedOrders,
    ProjectPayments, Replaced, Settle, StoreError, Stored,
};
use payment_events::{OrderId, PaymentInfo};

pub(crate) fn place_order<S: OrderStore + OrderQueries + 'static>(store: Arc<S>) -> PlaceOrder {
    PlaceOrder::new(store.clone(), store)
}

pub(crate) fn project<S: OrderStore + OrderQueries + PaymentCopies + 'static>(store: Arc<S>) -> ProjectPayments {
    ProjectPayments::new(store.clone(), Settle::new(store.clone(), store))
}

/// A concurrent process, run to its end before a write of the tested process.
enum Meanwhile {
    Project(Vec<PaymentInfo>),
    /// Dies right after its write.
    Write(Box<Order>),
}

/// A store that runs the next concurrent process before each write of an order.
pub(crate) struct Interleaved {
    pub(crate) inner: Arc<MemoryOrders>,
    others: Mutex<VecDeque<Meanwhile>>,
    reads: AtomicU32,
}

impl Interleaved {
    pub(crate) fn with_payments(batches: impl IntoIterator<Item = Vec<PaymentInfo>>) -> Arc<Self> {
        Self::with(batches.into_iter().map(Meanwhile::Project))
    }

    pub(crate) fn with_write(order: Order) -> Arc<Self> {
        Self::with([Meanwhile::Write(Box::new(order))])
    }

    fn with(others: impl IntoIterator<Item = Meanwhile>) -> Arc<Self> {
        let others = Mutex::new(others.into_iter().collect());
        Arc::new(Self { inner: Arc::default(), others, reads: AtomicU32::new(0) })
    }

    pub(crate) fn reads(&self) -> u32 {
        self.reads.load(Ordering::Relaxed)
    }

    async fn run_next_process(&self) {
        let other = self.others.lock().unwrap().pop_front();
        match other {
            Some(Meanwhile::Project(payments)) => {
                project(self.inner.clone()).project(payments).await.unwrap();
            }
            Some(Meanwhile::Write(order)) => self.inner.seed(*order),
            None => {}
        }
    }
}

#[async_trait]
impl OrderStore for Interleaved {
    async fn insert(&self, order: &Order) -> Result<Inserted, StoreError> {
        self.run_next_process().await;
        self.inner.insert(order).await
    }

    async fn replace(&self, order: &Order, expected_revision: u64) -> Result<Replaced, StoreError> {
        self.run_next_process().await;
        self.inner.replace(order, expected_revision).await
    }
}

#[async_trait]
impl OrderQueries for Interleaved {
    async fn read(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.read(order_id).await
    }

    async fn placed(&self, order_ids: &[OrderId]) -> Result<PlacedOrders, StoreError> {
        self.inner.placed(order_ids).await
    }

    async fn payments(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.inner.payments(order_id).await
    }
}

#[async_trait]
impl PaymentCopies for Interleaved {
    async fn put_if_newer(&self, payment: &PaymentCopy) -> Result<Stored, StoreError> {
        self.inner.put_if_newer(payment).await
    }
}
