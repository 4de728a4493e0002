//! Time series of a scenario, for the plots.

use serde::{Deserialize, Serialize};

use crate::act::{OrderOutcome, OrderTrace};
use crate::measure::Window;
use crate::observe::OrderEnd;

/// Interval between points.
const STEP_MS: i64 = 500;
/// Maximum time after the window that is plotted while orders settle.
const AFTER_MS: i64 = 30_000;

/// Value at a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Seconds since the start of the window.
    pub at_s: f64,
    /// Value; `None` if there were no orders, or the mode has no such value.
    pub value: Option<f64>,
}

/// Time series of one mode, from the start of the window until all orders are settled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Share of orders accepted in the response, 0 to 1, per half second.
    pub accepted: Vec<Point>,
    /// Staleness of Orders' read model in seconds: age of the oldest payment version that it lacked. No values in
    /// synchronous mode, which does not use the read model.
    pub behind_s: Vec<Point>,
    /// Number of orders waiting for their payment.
    pub waiting: Vec<Point>,
}

impl Timeline {
    /// Returns the end of the plot: the end of the window, or the time at which the last order was settled.
    pub(crate) fn until_ms(ends: &[OrderEnd], window: Window) -> i64 {
        let settled = ends.iter().map(|end| end.decided_ms).max().unwrap_or_default();
        let end_ms = i64::try_from(window.ms).unwrap_or(i64::MAX);
        settled.clamp(end_ms, end_ms.saturating_add(AFTER_MS)).saturating_add(STEP_MS)
    }

    pub(crate) fn of(
        orders: &[(&OrderTrace, &OrderEnd)],
        window: Window,
        until_ms: i64,
        decides_on_copy: bool,
    ) -> Self {
        let end_ms = i64::try_from(window.ms).unwrap_or(i64::MAX);
        let mut timeline = Self::default();
        let mut at_ms = 0;
        while at_ms <= until_ms {
            let point = |value| Point { at_s: seconds(at_ms), value };
            if at_ms < end_ms {
                timeline.accepted.push(point(accepted(orders, at_ms)));
            }
            timeline.behind_s.push(point(decides_on_copy.then(|| seconds(behind_ms(orders, at_ms)))));
            timeline.waiting.push(point(Some(waiting(orders, at_ms))));
            at_ms += STEP_MS;
        }
        timeline
    }
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 orders")]
fn accepted(orders: &[(&OrderTrace, &OrderEnd)], at_ms: i64) -> Option<f64> {
    let within = |ms: i64| (at_ms..at_ms + STEP_MS).contains(&ms);
    let placed = orders.iter().filter_map(|(record, _)| record.placed.as_ref());
    let placed: Vec<_> = placed.filter(|placed| within(placed.intended_ms)).collect();
    let accepted = placed.iter().filter(|placed| matches!(placed.answer, OrderOutcome::Accepted(_))).count();
    (!placed.is_empty()).then(|| accepted as f64 / placed.len() as f64)
}

/// Age of the oldest payment version that Orders did not have at the time.
fn behind_ms(orders: &[(&OrderTrace, &OrderEnd)], at_ms: i64) -> i64 {
    let copies = orders.iter().flat_map(|(_, end)| &end.copies);
    let unknown = copies.filter(|copy| copy.made_ms <= at_ms && at_ms < copy.stored_ms);
    unknown.map(|copy| at_ms - copy.made_ms).max().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 orders")]
fn waiting(orders: &[(&OrderTrace, &OrderEnd)], at_ms: i64) -> f64 {
    let is_waiting = |(record, end): &&(&OrderTrace, &OrderEnd)| match &record.placed {
        Some(placed) if matches!(placed.answer, OrderOutcome::Waiting(_)) && placed.sent_ms <= at_ms => {
            end.status.as_deref() != Some("accepted") || at_ms < end.decided_ms
        }
        _ => false,
    };
    orders.iter().filter(is_waiting).count() as f64
}

#[expect(clippy::cast_precision_loss, reason = "no run takes 2^52 ms")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}
