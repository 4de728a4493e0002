//! Bringing an order in line with the payment info there is.

use std::sync::Arc;

use payment_events::{OrderId, PaymentInfo, Timestamp};

use crate::{Evidence, Order, OrderQueries, OrderStore, PaymentCopy, Replaced, StoreError};

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
    #[error("the order {order_id} kept changing for {} rounds", Settle::ROUNDS_MAX)]
    Contended {
        /// Which order.
        order_id: OrderId,
    },
}

/// What one round of settling came to.
enum Round {
    /// The payments change nothing about the order.
    Settled(Order),
    /// The order was written, by this round or by another writer before it: it is to be looked at again.
    Written,
}

impl Settle {
    /// How often an order is looked at before the caller is asked to come back. Each round but the last is one that
    /// another writer made necessary, and an order has few.
    pub const ROUNDS_MAX: u32 = 8;

    /// Settles the orders in `store`, read through `queries`.
    pub fn new(store: Arc<dyn OrderStore>, queries: Arc<dyn OrderQueries>) -> Self {
        Self { store, queries }
    }

    /// Settles this order, and returns it as it then is; `None` if it is not placed yet. The order's copies are read here;
    /// `lookup` is what Payments answered just now, if it was asked.
    ///
    /// It is looked at until a round changes nothing. A write that lost against another is made anew from what that one
    /// left; a write that took effect is looked at again, because a payment may have changed between the read and the
    /// write, and whoever stored that payment may have looked before the write.
    pub async fn settle(
        &self,
        order_id: &OrderId,
        lookup: Option<&[PaymentInfo]>,
    ) -> Result<Option<Order>, SettleError> {
        for _ in 0..Self::ROUNDS_MAX {
            let view = self.queries.read(order_id).await?;
            let Some(order) = view.order else { return Ok(None) };
            match self.round(order, Evidence { copies: &view.payments, lookup }).await? {
                Round::Settled(order) => return Ok(Some(order)),
                Round::Written => {}
            }
        }
        Err(SettleError::Contended { order_id: order_id.clone() })
    }

    pub(crate) async fn find_placed(&self, order_ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        self.queries.placed(order_ids).await
    }

    /// Settles an order that has just been read. If it is in line with its payments, this is one read, of them.
    pub async fn settle_read(&self, order: Order) -> Result<Option<Order>, SettleError> {
        let copies = self.queries.payments(&order.order_id).await?;
        self.settle_view(order, &copies).await
    }

    /// Settles an order that has just been read, with all its copies. If it is in line with them, this is no call at all.
    pub(crate) async fn settle_view(&self, order: Order, copies: &[PaymentCopy]) -> Result<Option<Order>, SettleError> {
        let order_id = order.order_id.clone();
        match self.round(order, Evidence::copies(copies)).await? {
            Round::Settled(order) => Ok(Some(order)),
            Round::Written => self.settle(&order_id, None).await,
        }
    }

    /// Decides about the order, and writes it if that changes its status, unless another write came first.
    async fn round(&self, order: Order, evidence: Evidence<'_>) -> Result<Round, StoreError> {
        let Some(settled) = order.settled(evidence, Timestamp::now()) else { return Ok(Round::Settled(order)) };
        if self.store.replace(&settled, order.revision).await? == Replaced::Done {
            let order_id = &order.order_id;
            tracing::info!(%order_id, from = %order.status, to = %settled.status, revision = settled.revision,
                payments = evidence.copies.len(), "order {order_id} is {} now", settled.status);
        }
        Ok(Round::Written)
    }
}
