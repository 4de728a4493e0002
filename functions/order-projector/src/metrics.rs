//! Metrics of a batch: `Projected` payments and their `ProjectionLag`, `Stale` and `Quarantined` records.

use telemetry::Metrics;

use crate::outcome::Outcome;

/// Writes the metrics of a batch.
pub(crate) fn write_metrics(outcomes: &[Outcome], metrics: &Metrics) {
    let (mut lags_ms, mut stale, mut quarantined) = (Vec::new(), 0, 0);
    for outcome in outcomes {
        match outcome {
            Outcome::Stored { lag_ms: Some(lag_ms), .. } => lags_ms.push(*lag_ms),
            Outcome::Stored { lag_ms: None, .. } | Outcome::Folded => stale += 1,
            Outcome::Quarantined => quarantined += 1,
        }
    }
    metrics.count(&[("Projected", lags_ms.len()), ("Stale", stale), ("Quarantined", quarantined)]);
    metrics.milliseconds("ProjectionLag", &lags_ms);
}
