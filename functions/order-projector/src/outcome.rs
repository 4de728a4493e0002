//! Outcome of each record of a batch.

use std::collections::HashSet;

use payment_events::OrderId;

/// Outcome of a handled record.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The payment is in the read model.
    Stored {
        /// Order that the payment belongs to.
        order: PaidOrder,
        /// Projection lag in milliseconds; `None` if the payment was stale.
        lag_ms: Option<u64>,
    },
    /// The payment was folded into an earlier record of the batch.
    Folded,
    /// The record is undecodable and in quarantine.
    Quarantined,
}

/// An order with a payment in the batch, and the record by which its failure is reported.
#[derive(Debug, Clone)]
pub(crate) struct PaidOrder {
    pub(crate) order_id: OrderId,
    pub(crate) sequence_number: String,
}

/// Returns each order with a stored payment once, with its first such record, in batch order.
///
/// A lane is handled in order, so the first payment of an order is stored if any is.
pub(crate) fn paid_orders(outcomes: &[Outcome]) -> Vec<PaidOrder> {
    let mut seen = HashSet::new();
    let orders = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Stored { order, .. } => Some(order),
        Outcome::Folded | Outcome::Quarantined => None,
    });
    orders.filter(|order| seen.insert(&order.order_id)).cloned().collect()
}
