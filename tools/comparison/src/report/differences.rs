//! The four differences between both ways to talk, each as sentences with their figures.

use super::Report;
use super::table::drained;
use super::text::{ms, of, orders, share, times};
use crate::measure::Measured;
use crate::scenario::Scenario;

/// One difference.
pub(super) struct Difference {
    pub(super) name: &'static str,
    pub(super) synchronous: &'static str,
    pub(super) asynchronous: &'static str,
    /// As far as it was measured.
    pub(super) measured: Vec<String>,
}

pub(super) fn differences(report: &Report) -> Vec<Difference> {
    vec![
        Difference {
            name: "Style",
            synchronous: "request-response",
            asynchronous: "fire-and-forget",
            measured: style(report),
        },
        Difference {
            name: "Waiting",
            synchronous: "blocking",
            asynchronous: "non-blocking",
            measured: waiting(report),
        },
        Difference {
            name: "Answer",
            synchronous: "immediate and fresh",
            asynchronous: "as old as the way it came",
            measured: answer(report),
        },
        Difference {
            name: "Coupling",
            synchronous: "Orders is down when Payments is",
            asynchronous: "each fails alone",
            measured: coupling(report),
        },
    ]
}

/// Both modes of a scenario, asynchronous first, where there was anything to measure in each.
pub(super) fn both(report: &Report, scenario: Scenario) -> Option<(&Measured, &Measured)> {
    let found = report.comparison(scenario).map(|found| (&found.asynchronous, &found.synchronous));
    found.filter(|(asynchronous, synchronous)| asynchronous.offered > 0 && synchronous.offered > 0)
}

/// The same, where both placed orders, so that there is something to divide by.
pub(super) fn both_placed(report: &Report, scenario: Scenario) -> Option<(&Measured, &Measured)> {
    both(report, scenario).filter(|(asynchronous, synchronous)| asynchronous.placed() > 0 && synchronous.placed() > 0)
}

/// The same, with orders placed before anything went wrong.
pub(super) fn both_compared(report: &Report, scenario: Scenario) -> Option<(&Measured, &Measured)> {
    both_placed(report, scenario)
        .filter(|(asynchronous, synchronous)| asynchronous.before_ms.count > 0 && synchronous.before_ms.count > 0)
}

fn style(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some((asynchronous, synchronous)) = both(report, Scenario::Healthy)
        && let (Some(none), Some(calls)) =
            (asynchronous.calls_to_payments_per_order, synchronous.calls_to_payments_per_order)
    {
        sentences.push(format!(
            "To decide an order, synchronous mode makes {} requests to Payments and waits for the answer; asynchronous mode \
             makes {}: Payments has said what it knows before.",
            times(calls),
            times(none)
        ));
    }
    if let Some(costs) = &report.costs {
        sentences.push(format!(
            "What that saves for each order, it costs for each payment: keeping Orders' copy takes {} write units, {} payload \
             units of Kinesis and {} invocations.",
            times(costs.copy.write_units),
            times(costs.copy.payload_units),
            times(costs.copy.invocations)
        ));
    }
    sentences
}

fn waiting(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some((asynchronous, synchronous)) = both_placed(report, Scenario::Healthy) {
        sentences.push(format!(
            "With everything healthy half of the asynchronous orders are answered within {}, and half of the synchronous ones \
             within {} (99 %: {} and {}): a ratio of {:.2}.",
            of(&asynchronous.latency_ms, |latency| latency.p50),
            of(&synchronous.latency_ms, |latency| latency.p50),
            of(&asynchronous.latency_ms, |latency| latency.p99),
            of(&synchronous.latency_ms, |latency| latency.p99),
            asynchronous.latency_ms.p50 / synchronous.latency_ms.p50
        ));
    }
    if let Some((asynchronous, synchronous)) = both_compared(report, Scenario::Payments200Ms) {
        sentences.push(format!(
            "Once Payments is 200 ms slower, half are answered within {} and {}: {:.2} times as long as before in the same \
             system, and {} longer.",
            of(&asynchronous.latency_ms, |latency| latency.p50),
            of(&synchronous.latency_ms, |latency| latency.p50),
            asynchronous.latency_ms.p50 / asynchronous.before_ms.p50,
            ms((synchronous.latency_ms.p50 - synchronous.before_ms.p50).max(0.0))
        ));
    }
    sentences
}

fn answer(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some((asynchronous, synchronous)) = both(report, Scenario::PaymentVoided) {
        sentences.push(format!(
            "Where the payment was voided at most 40 ms before its order, synchronous mode still accepted {} of {} and \
             asynchronous mode {}, before the void had come through; these ended on hold, except for {}.",
            synchronous.accepted_ended.total(),
            orders(synchronous.offered),
            asynchronous.accepted_ended.total(),
            not_held(synchronous) + not_held(asynchronous)
        ));
    }
    if let Some((asynchronous, synchronous)) = both(report, Scenario::VoidedUnheard) {
        sentences.push(format!(
            "Where payments were voided well before their orders and Kinesis was down meanwhile, asynchronous mode decided \
             on what was no longer true {} times, accepted these orders, and put them on hold as soon as it heard, except for \
             {}; synchronous mode did so {} times.",
            asynchronous.info.stale,
            asynchronous.info.stale - asynchronous.info.stale_ended.on_hold,
            synchronous.info.stale
        ));
    }
    if let Some((asynchronous, synchronous)) = both(report, Scenario::KinesisDown) {
        sentences.push(format!(
            "With Kinesis down Orders' copy fell up to {} behind, and {} waited; synchronous mode went on with the newest, and \
             {} did.",
            of(&asynchronous.lag_ms, |lag| lag.max),
            orders(asynchronous.waiting),
            orders(synchronous.waiting)
        ));
    }
    sentences
}

fn coupling(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some((asynchronous, synchronous)) = both(report, Scenario::PaymentsDown) {
        sentences.push(format!(
            "While Payments was down, asynchronous mode accepted {} orders at once, and synchronous mode {}.",
            share(asynchronous.during_fault),
            share(synchronous.during_fault)
        ));
    }
    for (scenario, what) in [(Scenario::KinesisDown, "Kinesis"), (Scenario::ConsumerDown, "the consumer")] {
        let Some((asynchronous, synchronous)) = both(report, scenario) else { continue };
        sentences.push(format!(
            "While {what} was down, synchronous mode accepted {} at once, and asynchronous mode {}; those that waited, {}, \
             were all accepted {} after it was back, except for {}.",
            share(synchronous.during_fault),
            share(asynchronous.during_fault),
            asynchronous.waiting,
            drained(asynchronous),
            asynchronous.waiting - asynchronous.waiting_ended.accepted
        ));
    }
    sentences
}

/// Orders that were accepted, and did not end on hold.
fn not_held(measured: &Measured) -> u64 {
    measured.accepted_ended.total() - measured.accepted_ended.on_hold
}
