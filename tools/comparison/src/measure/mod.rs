//! What one mode did in one scenario, in figures.

mod counts;
mod latency;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::act::{OrderOutcome, OrderTrace, Placed};
use crate::observe::OrderEnd;
pub use counts::{Ended, Share};
pub use latency::Latency;

/// Why an order failed that was never sent.
const NOT_SENT: &str = "not sent, for too many were under way";

/// What one mode did in one scenario.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Orders that came.
    pub offered: u64,
    /// Of these, accepted in the answer.
    pub accepted: u64,
    /// Of these, accepted, and on hold again by the time they were answered.
    pub held: u64,
    /// Of these, placed and waiting for their payment in the answer.
    pub waiting: u64,
    /// Of these, not placed.
    pub failed: u64,
    /// Why those failed: a status, or what else happened.
    pub failures: BTreeMap<String, u64>,
    /// Orders that came and were answered while the fault lasted; all, where nothing or everything was wrong.
    pub during_fault: Share,
    /// Orders whose client had been told of the payment before.
    pub paid_before: Share,
    /// Orders whose payment info Orders had stored before.
    pub arrived_before: Share,
    /// Answered with the order placed: from when it was to be sent until the answer was there.
    pub latency_ms: Latency,
    /// The same in the same system before anything went wrong, where something then did all the time.
    pub before_ms: Latency,
    /// The same of those that failed.
    pub failed_latency_ms: Latency,
    /// How late the generator sent its requests.
    pub lateness_ms: Latency,
    /// Orders placed a second.
    pub orders_per_s: f64,
    /// Requests to Payments to decide one order, where that can be counted.
    pub calls_to_payments_per_order: Option<f64>,
    /// From when Payments made a payment's version until Orders had stored it.
    pub lag_ms: Latency,
    /// What the orders were decided on.
    pub info: InfoUsed,
    /// Where orders that were accepted at once ended, those among them that were on hold again when they were answered.
    pub accepted_ended: Ended,
    /// Where orders that waited ended.
    pub waiting_ended: Ended,
    /// From when they were sent until they were accepted, of those that waited and were.
    pub waited_ms: Latency,
    /// From the end of what was wrong until the last order that waited was accepted.
    pub drain_ms: Option<u64>,
    /// Orders that were answered and are not there, and payments that were and that Orders does not have.
    pub lost: u64,
    /// Orders with more payments than were made for them.
    pub duplicated: u64,
    /// Orders that are not where their payment puts them.
    pub unsettled: u64,
}

/// How fresh the payment info was that orders were decided on. What Payments had told the payment's client before the order
/// was sent, and the decision did not know, makes it stale, or missing where it knew nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct InfoUsed {
    /// Since Payments made what the decision was made on.
    pub age_ms: Latency,
    /// Since Payments made what the decision did not know; 0 where it knew the newest.
    pub behind_ms: Latency,
    /// Decided on an older version than the newest.
    pub stale: u64,
    /// Where those ended.
    pub stale_ended: Ended,
    /// Decided without any.
    pub missing: u64,
    /// Where those ended.
    pub missing_ended: Ended,
}

/// When the window ended and when something was wrong, in milliseconds since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) ms: u64,
    pub(crate) fault_ms: Option<(i64, i64)>,
}

impl Measured {
    /// What the clients and the services noted about the orders of one mode.
    pub(crate) fn of(orders: &[(&OrderTrace, &OrderEnd)], window: Window) -> Self {
        let mut measured = Self::default();
        let (mut latencies, mut failed, mut lateness) = (Vec::new(), Vec::new(), Vec::new());
        let (mut ages, mut behind, mut waited) = (Vec::new(), Vec::new(), Vec::new());
        let mut settled_ms: Option<i64> = None;
        for (record, end) in orders.iter().copied() {
            let Some(placed) = &record.placed else { continue };
            lateness.push(placed.lateness);
            measured.shares(record, placed, end, window);
            let (decision, ended) = match &placed.answer {
                OrderOutcome::Failed(why) => {
                    measured.failed += 1;
                    *measured.failures.entry(why.clone()).or_default() += 1;
                    failed.push(placed.latency);
                    continue;
                }
                OrderOutcome::NotSent => {
                    measured.failed += 1;
                    *measured.failures.entry(NOT_SENT.to_owned()).or_default() += 1;
                    continue;
                }
                OrderOutcome::Accepted(decision) => {
                    measured.accepted += 1;
                    (decision, &mut measured.accepted_ended)
                }
                OrderOutcome::Held(decision) => {
                    measured.held += 1;
                    (decision, &mut measured.accepted_ended)
                }
                OrderOutcome::Waiting(decision) => {
                    measured.waiting += 1;
                    if end.status.as_deref() == Some("accepted") {
                        settled_ms = settled_ms.max(Some(end.decided_ms));
                        waited.push(milliseconds(end.decided_ms - placed.sent_ms));
                    }
                    (decision, &mut measured.waiting_ended)
                }
            };
            ended.add(end.status.as_deref());
            latencies.push(placed.latency);
            ages.extend(decision.based_on.iter().map(|info| Duration::from_millis(info.age_ms)).min());
            behind.push(measured.info.judge(record, placed, end));
        }
        measured.offered = measured.placed() + measured.failed;
        measured.waited_ms = Latency::of(waited);
        measured.latency_ms = Latency::of(latencies);
        measured.failed_latency_ms = Latency::of(failed);
        measured.lateness_ms = Latency::of(lateness);
        measured.info.age_ms = Latency::of(ages);
        measured.info.behind_ms = Latency::of(behind);
        let copies = orders.iter().flat_map(|(_, end)| &end.copies);
        measured.lag_ms = Latency::of(copies.map(|copy| milliseconds(copy.stored_ms - copy.made_ms)));
        measured.orders_per_s = per_second(measured.placed(), window.ms);
        let over_ms = window.fault_ms.map(|(_, over)| over).filter(|_| measured.waiting > 0);
        measured.drain_ms =
            over_ms.zip(settled_ms).map(|(over, settled)| u64::try_from(settled - over).unwrap_or_default());
        measured.wrong(orders);
        measured
    }

    /// Orders that were placed.
    pub fn placed(&self) -> u64 {
        self.accepted + self.held + self.waiting
    }

    fn shares(&mut self, record: &OrderTrace, placed: &Placed, end: &OrderEnd, window: Window) {
        let is_accepted = matches!(placed.answer, OrderOutcome::Accepted(_));
        let (begin, over) = window.fault_ms.unwrap_or((i64::MIN, i64::MAX));
        // What is still waiting when it is over is answered by what is healthy again.
        if begin <= placed.sent_ms && placed.answered_ms() < over {
            self.during_fault.add(is_accepted);
        }
        if record.versions.first().is_some_and(|version| version.told_ms <= placed.sent_ms) {
            self.paid_before.add(is_accepted);
        }
        // A copy that was stored again since tells nothing of the first time; voided payments aside there are none.
        if end.copies.iter().any(|copy| copy.version == 1 && copy.stored_ms <= placed.sent_ms) {
            self.arrived_before.add(is_accepted);
        }
    }

    fn wrong(&mut self, orders: &[(&OrderTrace, &OrderEnd)]) {
        for (record, end) in orders.iter().copied() {
            let last = record.versions.last().map(|version| version.number);
            let is_missing = record.is_placed() && end.status.is_none();
            let is_unknown = last.is_some_and(|last| end.copies.iter().all(|copy| copy.version < last));
            self.lost += u64::from(is_missing) + u64::from(is_unknown);
            self.duplicated += u64::from(end.copies.len() > 1);
            self.unsettled += u64::from(!end.is_settled(record));
        }
    }
}

impl InfoUsed {
    /// Counts what the decision knew, and says how far behind that was.
    fn judge(&mut self, record: &OrderTrace, placed: &Placed, end: &OrderEnd) -> Duration {
        let (OrderOutcome::Accepted(decision) | OrderOutcome::Held(decision) | OrderOutcome::Waiting(decision)) =
            &placed.answer
        else {
            return Duration::ZERO;
        };
        let known = decision.based_on.iter().map(|info| info.version).max();
        let told = record.versions.iter().filter(|version| version.told_ms <= placed.sent_ms);
        let unknown = told.clone().find(|version| known.is_none_or(|known| version.number > known));
        let Some(unknown) = unknown else { return Duration::ZERO };
        if known.is_none() {
            self.missing += 1;
            self.missing_ended.add(end.status.as_deref());
        } else {
            self.stale += 1;
            self.stale_ended.add(end.status.as_deref());
        }
        milliseconds(placed.sent_ms - unknown.made_ms)
    }
}

/// How long those took that were placed.
pub(crate) fn latency<'a>(records: impl Iterator<Item = &'a OrderTrace>) -> Latency {
    let placed = records.filter(|record| record.is_placed()).filter_map(|record| record.placed.as_ref());
    Latency::of(placed.map(|placed| placed.latency))
}

/// Between two services' clocks a little may be negative: nothing, then.
fn milliseconds(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 orders")]
fn per_second(orders: u64, ms: u64) -> f64 {
    if ms == 0 { 0.0 } else { orders as f64 * 1_000.0 / ms as f64 }
}
