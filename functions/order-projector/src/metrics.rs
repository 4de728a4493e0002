//! Metrics of a batch.

use orders::Projection;
use telemetry::Metrics;

use crate::outcome::{Outcome, Settlement};

/// Writes the metrics of a batch: `Projected` payments and their `ProjectionLag`, `Stale` payments, `Quarantined` records,
/// and `IncompleteOrders`, which have more payments than settlement considers.
pub(crate) fn write_metrics(outcomes: &[Outcome], settlements: &[Settlement], quarantined: usize, metrics: &Metrics) {
    let mut lags_ms = Vec::new();
    let mut stale: usize = 0;
    for outcome in outcomes {
        match outcome {
            Outcome::Stored { projection: Projection::Newer { lag_ms }, .. } => lags_ms.push(*lag_ms),
            Outcome::Stored { projection: Projection::Stale, .. } | Outcome::Folded => stale = stale.saturating_add(1),
            Outcome::Quarantined => {}
        }
    }
    let incomplete = settlements.iter().filter(|settlement| **settlement == Settlement::Incomplete).count();
    metrics.count(&[
        ("Projected", lags_ms.len()),
        ("Stale", stale),
        ("Quarantined", quarantined),
        ("IncompleteOrders", incomplete),
    ]);
    metrics.milliseconds("ProjectionLag", &lags_ms);
}
