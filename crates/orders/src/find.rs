//! The use case that reads an order.

use std::sync::Arc;

use payment_events::{OrderId, Timestamp};

use crate::{Coverage, Evidence, Order, OrderQueries, Settle, SettleError, Settled, decide};

/// The use case behind `GET /orders/{order_id}`: one read.
///
/// If the order's status does not match its payments, the order is settled before it is returned. That happens when its
/// last writer died before it settled the order and was never retried (docs/adr/0006).
#[derive(Clone)]
pub struct FindOrder {
    queries: Arc<dyn OrderQueries>,
    settle: Settle,
}

/// An order as it is shown to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The order with the payments behind its status.
    pub order: Order,
    /// Payments that cover it now.
    pub coverage: Coverage,
}

impl FindOrder {
    /// Creates the use case with its ports.
    pub fn new(queries: Arc<dyn OrderQueries>, settle: Settle) -> Self {
        Self { queries, settle }
    }

    /// Returns the order with the payments behind its status, or `None` if it is not placed. An order that is not
    /// accepted shows its current payments.
    pub async fn find(&self, order_id: &OrderId) -> Result<Option<Found>, SettleError> {
        let (mut view, now) = (self.queries.read(order_id).await?, Timestamp::now());
        let Some(order) = view.order.take() else { return Ok(None) };
        let verdict = decide(&order, Evidence::view(&view), now);
        if order.next(&verdict, now).is_some() {
            let settled = self.settle.settle(order_id, None).await?;
            return Ok(settled.map(|Settled { order, coverage, .. }| Found { order, coverage }));
        }
        let order = order.shown(&verdict);
        Ok(Some(Found { order, coverage: verdict.coverage }))
    }
}
