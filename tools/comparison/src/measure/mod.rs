//! Figures of one mode in one scenario.

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

/// Failure reason of an order that was not sent.
const NOT_SENT: &str = "not sent: too many requests in flight";

/// Figures of one mode in one scenario.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Orders scheduled.
    pub offered: u64,
    /// Of these, accepted in the response.
    pub accepted: u64,
    /// Of these, accepted, but already on hold in the response.
    pub held: u64,
    /// Of these, placed and waiting for their payment in the response.
    pub waiting: u64,
    /// Of these, failed or not sent.
    pub failed: u64,
    /// Number of failures by reason: an HTTP status, or the kind of error.
    pub failures: BTreeMap<String, u64>,
    /// Orders sent and answered during the fault; all orders if there was no fault or it covered the whole window.
    pub during_fault: Share,
    /// Orders whose client had received the payment before it sent the order.
    pub paid_before: Share,
    /// Orders whose payment was in the read model before the order was sent.
    pub arrived_before: Share,
    /// Latency of placed orders, from the scheduled send time to the response.
    pub latency_ms: Latency,
    /// The same in the reference phase, before a fault that covers the whole window.
    pub before_ms: Latency,
    /// The same for failed orders.
    pub failed_latency_ms: Latency,
    /// Delay of the load generator's requests.
    pub lateness_ms: Latency,
    /// Orders placed per second.
    pub orders_per_s: f64,
    /// Requests to Payments per order, if they can be counted.
    pub calls_to_payments_per_order: Option<f64>,
    /// Projection lag: from Payments storing a version until Orders stored it.
    pub lag_ms: Latency,
    /// Freshness of the payment info that orders were decided on.
    pub info: InfoUsed,
    /// Final states of the accepted and held orders.
    pub accepted_ended: Ended,
    /// Final states of the orders that waited.
    pub waiting_ended: Ended,
    /// Time from sending to acceptance, of orders that waited and were accepted.
    pub waited_ms: Latency,
    /// Time from the end of the fault until the last waiting order was accepted.
    pub drain_ms: Option<u64>,
    /// Orders placed but not stored, and payments whose last received version Orders does not have.
    pub lost: u64,
    /// Orders with more than the one payment made for them.
    pub duplicated: u64,
    /// Orders that are not settled: their status does not follow from their payment.
    pub unsettled: u64,
}

/// Freshness of the payment info that orders were decided on. A decision is stale if it did not know a version that the
/// client had received before it sent the order, and missing if it knew no version at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct InfoUsed {
    /// Age of the info at the decision.
    pub age_ms: Latency,
    /// Age of the oldest version that the decision did not know; 0 if it knew the newest.
    pub behind_ms: Latency,
    /// Orders decided on stale info.
    pub stale: u64,
    /// Final states of these.
    pub stale_ended: Ended,
    /// Orders decided without info that their client had.
    pub missing: u64,
    /// Final states of these.
    pub missing_ended: Ended,
}

/// Length of the window, and begin and end of the fault, in milliseconds since the start of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) ms: u64,
    pub(crate) fault_ms: Option<(i64, i64)>,
}

impl Measured {
    /// Computes the figures from the traces and final states of one mode's orders.
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

    /// Number of orders placed.
    pub fn placed(&self) -> u64 {
        self.accepted + self.held + self.waiting
    }

    fn shares(&mut self, record: &OrderTrace, placed: &Placed, end: &OrderEnd, window: Window) {
        let is_accepted = matches!(placed.answer, OrderOutcome::Accepted(_));
        let (begin, over) = window.fault_ms.unwrap_or((i64::MIN, i64::MAX));
        // An order whose response comes after the end of the fault was handled by a healthy system.
        if begin <= placed.sent_ms && placed.answered_ms() < over {
            self.during_fault.add(is_accepted);
        }
        if record.versions.first().is_some_and(|version| version.received_ms <= placed.sent_ms) {
            self.paid_before.add(is_accepted);
        }
        // A copy at a later version does not show when version 1 was stored. Only voided payments have one.
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
    /// Counts the decision as stale or missing if it is, and returns how far behind it was.
    fn judge(&mut self, record: &OrderTrace, placed: &Placed, end: &OrderEnd) -> Duration {
        let (OrderOutcome::Accepted(decision) | OrderOutcome::Held(decision) | OrderOutcome::Waiting(decision)) =
            &placed.answer
        else {
            return Duration::ZERO;
        };
        let known = decision.based_on.iter().map(|info| info.version).max();
        let received = record.versions.iter().filter(|version| version.received_ms <= placed.sent_ms);
        let unknown = received.clone().find(|version| known.is_none_or(|known| version.number > known));
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

/// Latency of the placed orders.
pub(crate) fn latency<'a>(records: impl Iterator<Item = &'a OrderTrace>) -> Latency {
    let placed = records.filter(|record| record.is_placed()).filter_map(|record| record.placed.as_ref());
    Latency::of(placed.map(|placed| placed.latency))
}

/// Converts milliseconds; negative differences between two services' clocks become 0.
fn milliseconds(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 orders")]
fn per_second(orders: u64, ms: u64) -> f64 {
    if ms == 0 { 0.0 } else { orders as f64 * 1_000.0 / ms as f64 }
}
