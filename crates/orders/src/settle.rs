//! Settling: updating an order's status to match its payments.

use std::sync::Arc;

use payment_events::{OrderId, Timestamp};

use crate::{
    Coverage, Evidence, Incomplete, LookedUp, Order, OrderQueries, OrderStore, OrderView, PlacedOrders, Replaced,
    StoreError, decide,
};

/// Settles orders: reads an order with its payments and writes the order if they change its status.
#[derive(Clone)]
pub struct Settle {
    store: Arc<dyn OrderStore>,
    queries: Arc<dyn OrderQueries>,
}

/// A settled order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The order as stored.
    pub order: Order,
    /// Payments that cover it now.
    pub coverage: Coverage,
    /// Reason why not all its payments could be read; `None` if they could. If the payments read do not cover the
    /// order, it kept its status.
    pub incomplete: Option<Incomplete>,
}

/// Why settling failed. Retrying is safe.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// A read or a write failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The order or its payments changed in each of [`Settle::ROUNDS_MAX`] rounds.
    #[error("order {order_id} kept changing for {} rounds", Settle::ROUNDS_MAX)]
    Contended {
        /// Id of the order.
        order_id: OrderId,
    },
}

/// Outcome of one round of settling.
enum Round {
    /// The order's status matches its payments.
    Settled(Box<Settled>),
    /// The order was written, by this round or by a concurrent writer. It must be read again.
    Written,
}

impl Settle {
    /// Maximum number of rounds. A further round is needed after each write, and an order has few concurrent writers.
    pub const ROUNDS_MAX: u32 = 8;

    /// Creates the use case with its ports.
    pub fn new(store: Arc<dyn OrderStore>, queries: Arc<dyn OrderQueries>) -> Self {
        Self { store, queries }
    }

    /// Settles the order and returns it, or returns `None` if it is not placed. Reads the read model; `lookup` holds
    /// the payments just returned by the Payments API, if it was called.
    ///
    /// Repeats rounds until one changes nothing. After a lost write, the next round starts from the winner's revision.
    /// A successful write needs another round as well: a payment may have changed between the read and the write, and
    /// its writer may have read the order before the write.
    pub async fn settle(&self, order_id: &OrderId, lookup: Option<&LookedUp>) -> Result<Option<Settled>, SettleError> {
        for _ in 0..Self::ROUNDS_MAX {
            let mut view = self.queries.read(order_id).await?;
            let Some(order) = view.order.take() else { return Ok(None) };
            match self.round(order, Evidence { lookup, ..Evidence::view(&view) }).await? {
                Round::Settled(settled) => return Ok(Some(*settled)),
                Round::Written => {}
            }
        }
        Err(SettleError::Contended { order_id: order_id.clone() })
    }

    pub(crate) async fn find_placed(&self, order_ids: &[OrderId]) -> Result<PlacedOrders, StoreError> {
        self.queries.placed(order_ids).await
    }

    /// Settles an order that has just been read. Costs one read of its payments if the status already matches them.
    pub async fn settle_read(&self, order: Order) -> Result<Option<Settled>, SettleError> {
        let view = self.queries.payments(&order.order_id).await?;
        self.settle_view(order, &view).await
    }

    /// Settles an order that has just been read with all its payments. Costs no call if the status already matches
    /// them.
    pub(crate) async fn settle_view(&self, order: Order, view: &OrderView) -> Result<Option<Settled>, SettleError> {
        let order_id = order.order_id.clone();
        match self.round(order, Evidence::view(view)).await? {
            Round::Settled(settled) => Ok(Some(*settled)),
            Round::Written => self.settle(&order_id, None).await,
        }
    }

    /// Decides on the order and writes it if its status changes. The write is conditional on the revision read.
    async fn round(&self, order: Order, evidence: Evidence<'_>) -> Result<Round, StoreError> {
        let now = Timestamp::now();
        let verdict = decide(&order, evidence, now);
        let Some(settled) = order.next(&verdict, now) else {
            let incomplete = evidence.incomplete.cloned();
            return Ok(Round::Settled(Box::new(Settled { order, coverage: verdict.coverage, incomplete })));
        };
        if self.store.replace(&settled, order.revision).await? == Replaced::Done {
            let order_id = &order.order_id;
            tracing::info!(%order_id, from = %order.status, to = %settled.status, revision = settled.revision,
                payments = evidence.copies.len(), "order {order_id} changed from {} to {}", order.status, settled.status);
        }
        Ok(Round::Written)
    }
}
