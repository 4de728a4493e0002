//! What was expected of both ways to talk, and whether it came. Of what was not measured, or not to its end, nothing is said.

use super::Report;
use super::differences::{both, both_compared, both_placed};
use super::text::{ms, orders, share};
use crate::measure::{Measured, Share};
use crate::scenario::Scenario;

/// What was expected, and whether it came.
pub(super) struct Expectation {
    pub(super) what: &'static str,
    pub(super) measured: String,
    pub(super) is_met: bool,
}

/// Every expectation of what was run.
pub(super) fn expectations(report: &Report) -> Vec<Expectation> {
    let report = &whole(report);
    let mut found = Vec::new();
    healthy(report, &mut found);
    slow(report, &mut found);
    down(report, &mut found);
    let wrong: u64 = report
        .comparisons
        .iter()
        .flat_map(|found| [&found.asynchronous, &found.synchronous])
        .map(|measured| measured.lost + measured.duplicated + measured.unsettled)
        .sum();
    if !report.comparisons.is_empty() {
        found.push(Expectation {
            what: "Everywhere: nothing lost, nothing twice, every order where its payment puts it",
            measured: orders(wrong) + " not so",
            is_met: wrong == 0,
        });
    }
    found
}

/// Without what was interrupted.
fn whole(report: &Report) -> Report {
    let mut report = report.clone();
    report.comparisons.retain(|comparison| !comparison.is_interrupted);
    report
}

fn healthy(report: &Report, found: &mut Vec<Expectation>) {
    if let Some((asynchronous, synchronous)) = both_placed(report, Scenario::Healthy) {
        let ratio = asynchronous.latency_ms.p50 / synchronous.latency_ms.p50;
        found.push(Expectation {
            what: "Healthy: asynchronous p50 at most 0.7 of synchronous",
            measured: format!("{ratio:.3}"),
            is_met: ratio <= 0.7,
        });
    }
}

fn slow(report: &Report, found: &mut Vec<Expectation>) {
    if let Some((asynchronous, synchronous)) = both_compared(report, Scenario::Payments200Ms) {
        let ratio = asynchronous.latency_ms.p50 / asynchronous.before_ms.p50;
        found.push(Expectation {
            what: "Payments +200 ms: asynchronous p50 within 1.15 of its own when healthy, before in the same system",
            measured: format!("{ratio:.3}"),
            is_met: ratio <= 1.15,
        });
        let longer = synchronous.latency_ms.p50 - synchronous.before_ms.p50;
        found.push(Expectation {
            what: "Payments +200 ms: synchronous p50 up by 200 ms or more",
            measured: ms(longer.max(0.0)),
            is_met: longer >= 200.0,
        });
    }
}

fn down(report: &Report, found: &mut Vec<Expectation>) {
    let some = |share: Share| share.orders > 0;
    if let Some((asynchronous, synchronous)) = both(report, Scenario::PaymentsDown)
        && some(asynchronous.arrived_before)
        && some(synchronous.during_fault)
    {
        found.push(Expectation {
            what: "Payments down: asynchronous mode accepts every order whose payment had arrived",
            measured: share(asynchronous.arrived_before),
            is_met: asynchronous.arrived_before.accepted == asynchronous.arrived_before.orders,
        });
        found.push(Expectation {
            what: "Payments down: synchronous mode accepts none meanwhile",
            measured: share(synchronous.during_fault),
            is_met: synchronous.during_fault.accepted == 0,
        });
    }
    if let Some((Measured { waiting, waiting_ended, .. }, _)) = both(report, Scenario::KinesisDown) {
        found.push(Expectation {
            what: "Kinesis down: asynchronous orders wait, and all end accepted once it is back",
            measured: format!("{} of {waiting}", waiting_ended.accepted),
            is_met: *waiting > 0 && waiting_ended.accepted == *waiting,
        });
    }
}
