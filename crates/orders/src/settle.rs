//! Bringing an order in line with the payment info there is.

use std::sync::Arc;

use payment_events::{OrderId, PaymentInfo, Timestamp};

use crate::{Order, OrderQueries, OrderStore, StoreError, StoredPayment};

/// Settles orders: reads an order with its payments, and where they change what it stands at, writes that.
#[derive(Clone)]
pub struct Settle {
    store: Arc<dyn OrderStore>,
    queries: Arc<dyn OrderQueries>,
}

/// Why an order is not known to be settled. Asking again is safe.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The order or its payments changed each time it was looked at.
    #[error("the order {order_id} did not come to rest in {} rounds", Settle::ROUNDS_MAX)]
    Restless {
        /// Which order.
        order_id: OrderId,
    },
}

impl Settle {
    /// How often an order is looked at before the caller is asked to come back. Each round but the last is one that
    /// another writer made necessary, and an order has few.
    pub const ROUNDS_MAX: u32 = 8;

    /// Settles the orders in `store`, read through `queries`.
    pub fn new(store: Arc<dyn OrderStore>, queries: Arc<dyn OrderQueries>) -> Self {
        Self { store, queries }
    }

    /// Settles this order, and answers with it as it then is; with `None` where it is not placed yet.
    ///
    /// It is looked at until a look changes nothing. A write that lost against another is made anew from what that one
    /// left; a write that took effect is looked at again, because a payment may have changed between the read and the
    /// write, and whoever stored that payment may have looked before the write.
    pub async fn settle(&self, order_id: &OrderId) -> Result<Option<Order>, SettleError> {
        self.settle_knowing(order_id, None).await
    }

    /// The same, on what Payments has just said as well, where it was `asked`.
    pub(crate) async fn settle_knowing(
        &self,
        order_id: &OrderId,
        asked: Option<&[PaymentInfo]>,
    ) -> Result<Option<Order>, SettleError> {
        for _ in 0..Self::ROUNDS_MAX {
            let view = self.queries.read(order_id).await?;
            let Some(order) = view.order else { return Ok(None) };
            if let Some(settled) = self.look(order, &view.payments, asked).await? {
                return Ok(Some(settled));
            }
        }
        Err(SettleError::Restless { order_id: order_id.clone() })
    }

    /// Settles an order that has just been read. Where it is in line with its payments, this is one read, of them.
    pub async fn settle_read(&self, order: Order) -> Result<Option<Order>, SettleError> {
        let payments = self.queries.payments(&order.order_id).await?;
        self.settle_seen(order, &payments).await
    }

    /// Settles an order that has just been read, with all its payments. Where it is in line with them, this is no call at all.
    pub(crate) async fn settle_seen(
        &self,
        order: Order,
        payments: &[StoredPayment],
    ) -> Result<Option<Order>, SettleError> {
        let order_id = order.order_id.clone();
        match self.look(order, payments, None).await? {
            Some(settled) => Ok(Some(settled)),
            None => self.settle(&order_id).await,
        }
    }

    /// The order, where its payments change nothing about it. Where they do, that is written, unless another write came
    /// first, and it is to be looked at again.
    async fn look(
        &self,
        order: Order,
        payments: &[StoredPayment],
        asked: Option<&[PaymentInfo]>,
    ) -> Result<Option<Order>, StoreError> {
        let settled = order.settled_knowing(payments, asked, Timestamp::now());
        let Some(settled) = settled else { return Ok(Some(order)) };
        if self.store.replace(&settled, order.revision).await? {
            let order_id = &order.order_id;
            tracing::info!(%order_id, from = %order.status, to = %settled.status, revision = settled.revision,
                payments = payments.len(), "order {order_id} is {} now", settled.status);
        }
        Ok(None)
    }
}
