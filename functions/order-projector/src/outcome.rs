//! Outcome of each record of a batch.

use std::collections::HashSet;

use payment_events::OrderId;

/// What became of a record that was handled.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Its payment is stored.
    Stored {
        /// The order that the payment is for.
        order: PaidOrder,
        /// How late it was stored, in milliseconds; `None` if a copy as new or newer was stored before.
        lag_ms: Option<u64>,
    },
    /// An earlier record of the batch stands for it.
    Folded,
    /// It cannot be read and is in quarantine.
    Quarantined,
}

/// An order that has a payment, by the record that it is reported by.
#[derive(Debug, Clone)]
pub(crate) struct PaidOrder {
    pub(crate) order_id: OrderId,
    pub(crate) sequence_number: String,
}

/// The orders that have payments, each by its first record, in the order of the batch.
///
/// A lane is handled in order, so its first payment is stored if any is.
pub(crate) fn paid_orders(outcomes: &[Outcome]) -> Vec<PaidOrder> {
    let mut seen = HashSet::new();
    let orders = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Stored { order, .. } => Some(order),
        Outcome::Folded | Outcome::Quarantined => None,
    });
    orders.filter(|order| seen.insert(&order.order_id)).cloned().collect()
}
