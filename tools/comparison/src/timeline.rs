//! What happened over time, to be plotted.

use serde::{Deserialize, Serialize};

use crate::act::{OrderOutcome, OrderTrace};
use crate::measure::Window;
use crate::observe::OrderEnd;

/// How far apart the points are.
const STEP_MS: i64 = 500;
/// How long after the window is looked, where orders are settled after it.
const AFTER_MS: i64 = 30_000;

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Seconds since the window began.
    pub at_s: f64,
    /// The value; none where there was nothing to have one of.
    pub value: Option<f64>,
}

/// How one mode went over the window, and until it had drained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// The part of the orders of each half second that was accepted at once, 0 to 1.
    pub accepted: Vec<Point>,
    /// How far behind Payments Orders' copy was, in seconds: since the oldest payment that it did not know of. Synchronous
    /// mode does not decide on it, and has no values here.
    pub behind_s: Vec<Point>,
    /// Orders that were waiting for their payment.
    pub waiting: Vec<Point>,
}

impl Timeline {
    /// Until when there is something to see: the end of the window, or when all these orders were where they ended.
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

/// Since the oldest payment that Orders did not have at the time.
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
