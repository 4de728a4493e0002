//! Showing an order as it stands.

use std::sync::Arc;

use payment_events::{OrderId, Timestamp};

use crate::{Evidence, Order, OrderQueries, Settle, SettleError};

/// The use case behind `GET /orders/{order_id}`: one read.
///
/// An order that is not in line with its payments is settled before it is shown. That is left only where whoever wrote it
/// ended before looking again, and was never asked again (docs/adr/0006).
#[derive(Clone)]
pub struct FindOrder {
    queries: Arc<dyn OrderQueries>,
    settle: Settle,
}

impl FindOrder {
    /// Reads through `queries`, and settles with `settle`.
    pub fn new(queries: Arc<dyn OrderQueries>, settle: Settle) -> Self {
        Self { queries, settle }
    }

    /// The order with what it is decided on, or what keeps it from being accepted; `None` where it is not placed.
    pub async fn find(&self, order_id: &OrderId) -> Result<Option<Order>, SettleError> {
        let (view, now) = (self.queries.read(order_id).await?, Timestamp::now());
        let Some(order) = view.order else { return Ok(None) };
        let evidence = Evidence::copies(&view.payments);
        if order.settled(evidence, now).is_some() {
            return self.settle.settle(order_id, None).await;
        }
        Ok(Some(order.reviewed(evidence, now)))
    }
}
