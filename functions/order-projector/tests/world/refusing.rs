//! A store that fails in one step of the projector.

use std::sync::Arc;

use async_trait::async_trait;
use orders::testing::MemoryOrders;
use orders::{OrderQueries, OrderView, PaymentCopies, PaymentCopy, PlacedOrders, StoreError, Stored, Unacceptable};
use payment_events::OrderId;

/// Store that fails to store one version of a payment, to find placed orders, or to read payments.
pub(crate) struct FailingStore {
    pub(crate) store: Arc<MemoryOrders>,
    /// Id of the payment, [`FINDING`] or [`SETTLING`]. A verdict is about its version 2 alone.
    pub(crate) what: &'static str,
    pub(crate) how: FailureMode,
}

pub(crate) const FINDING: &str = "finding placed orders";
pub(crate) const SETTLING: &str = "reading payments to settle";

impl FailingStore {
    async fn fail_if(&self, what: &str) -> Result<(), StoreError> {
        match self.how {
            _ if what != self.what => Ok(()),
            FailureMode::Error => {
                Err(StoreError::Unavailable { context: "failed".into(), source: "on purpose".into() })
            }
            FailureMode::Verdict => Err(Unacceptable::new("on purpose").into()),
            FailureMode::Panic => std::panic::resume_unwind(Box::new("on purpose")),
            FailureMode::Hang => std::future::pending().await,
        }
    }
}

#[async_trait]
impl OrderQueries for FailingStore {
    async fn read(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.store.read(order_id).await
    }

    async fn placed(&self, order_ids: &[OrderId]) -> Result<PlacedOrders, StoreError> {
        self.fail_if(FINDING).await?;
        self.store.placed(order_ids).await
    }

    async fn payments(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.fail_if(SETTLING).await?;
        self.store.payments(order_id).await
    }
}

#[derive(Clone, Copy)]
pub(crate) enum FailureMode {
    /// [`StoreError::Unavailable`].
    Error,
    /// [`StoreError::Unacceptable`].
    Verdict,
    Panic,
    Hang,
}

#[async_trait]
impl PaymentCopies for FailingStore {
    async fn put_if_newer(&self, payment: &PaymentCopy) -> Result<Stored, StoreError> {
        let is_readable = matches!(self.how, FailureMode::Verdict) && payment.payment.version != 2;
        if !is_readable {
            self.fail_if(payment.payment.payment_id.as_str()).await?;
        }
        self.store.put_if_newer(payment).await
    }
}
