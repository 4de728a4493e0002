//! What a batch has come to, for the metrics and for the steps that follow.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use orders::StoredPayment;
use telemetry::Metrics;

/// Counts while lanes run side by side.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    lags_ms: Vec<u64>,
    stale: usize,
    quarantined: usize,
    orders: HashSet<String>,
}

impl Tally {
    /// A payment of this order was stored, or was no news.
    pub(crate) fn payment(&self, order_id: &str, stored: Option<&StoredPayment>) {
        let mut counts = self.counts();
        match stored {
            Some(copy) => counts.lags_ms.push(copy.lag_ms()),
            None => counts.stale += 1,
        }
        if !counts.orders.contains(order_id) {
            counts.orders.insert(order_id.to_owned());
        }
    }

    /// A record stood for nothing but what another one did.
    pub(crate) fn folded(&self) {
        self.counts().stale += 1;
    }

    pub(crate) fn quarantined(&self) {
        self.counts().quarantined += 1;
    }

    /// Whether a payment of this order was stored, now or before.
    pub(crate) fn has_payment_of(&self, order_id: &str) -> bool {
        self.counts().orders.contains(order_id)
    }

    pub(crate) fn write(&self, metrics: &Metrics) {
        let counts = self.counts();
        let projected = counts.lags_ms.len();
        metrics.count(&[("Projected", projected), ("Stale", counts.stale), ("Quarantined", counts.quarantined)]);
        metrics.milliseconds("ProjectionLag", &counts.lags_ms);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
