//! Outcome of each record of a batch.

use std::collections::HashSet;
use std::sync::Arc;

use orders::{Order, Projection, Unacceptable};
use payment_events::OrderId;
use stream_batch::HubPosition;

use crate::record::HubRecord;

/// Outcome of a handled record.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A version of the payment is in the read model.
    Stored {
        /// Order that the payment belongs to.
        order: PaidOrder,
        projection: Projection,
    },
    /// The payment was folded into an earlier record of the batch.
    Folded,
    /// The record is in quarantine.
    Quarantined,
}

/// An order with a payment in the batch.
#[derive(Debug, Clone)]
pub(crate) struct PaidOrder {
    pub(crate) order_id: OrderId,
    /// Position of the record by which a failure is reported.
    pub(crate) position: HubPosition,
    /// Record that is quarantined if the order cannot be settled: the version that was stored.
    pub(crate) record: Arc<HubRecord>,
}

/// A placed order to settle, or the reason why it cannot be.
#[derive(Debug)]
pub(crate) struct PlacedOrder {
    pub(crate) paid: PaidOrder,
    pub(crate) order: Result<Order, Unacceptable>,
}

/// Outcome of settling an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// Its status matches its payments.
    Settled,
    /// It has more payments than settlement considers.
    Incomplete,
    /// Its item, or that of a payment, cannot be decoded. The record is in quarantine.
    Quarantined,
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
