//! A store that one step of the projector cannot use.

use std::sync::Arc;

use async_trait::async_trait;
use orders::testing::MemoryOrders;
use orders::{Order, OrderQueries, OrderView, PaymentCopies, PaymentCopy, StoreError, Stored};
use payment_events::OrderId;

/// Fails to store one payment, or to look for orders, or to read the payments of any.
pub(crate) struct Refusing {
    pub(crate) store: Arc<MemoryOrders>,
    pub(crate) what: &'static str,
    pub(crate) how: Refusal,
}

pub(crate) const LOOKING: &str = "looking for orders";
pub(crate) const SETTLING: &str = "reading their payments";

impl Refusing {
    async fn unless_refused(&self, what: &str) -> Result<(), StoreError> {
        match self.how {
            _ if what != self.what => Ok(()),
            Refusal::Error => Err(StoreError { context: "refused".into(), source: "on purpose".into() }),
            Refusal::Panic => std::panic::resume_unwind(Box::new("on purpose")),
            Refusal::Silence => std::future::pending().await,
        }
    }
}

#[async_trait]
impl OrderQueries for Refusing {
    async fn read(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.store.read(order_id).await
    }

    async fn placed(&self, order_ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        self.unless_refused(LOOKING).await?;
        self.store.placed(order_ids).await
    }

    async fn payments(&self, order_id: &OrderId) -> Result<Vec<PaymentCopy>, StoreError> {
        self.unless_refused(SETTLING).await?;
        self.store.payments(order_id).await
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Refusal {
    Error,
    Panic,
    Silence,
}

#[async_trait]
impl PaymentCopies for Refusing {
    async fn put_if_newer(&self, payment: &PaymentCopy) -> Result<Stored, StoreError> {
        self.unless_refused(payment.payment.payment_id.as_str()).await?;
        self.store.put_if_newer(payment).await
    }
}
