//! The four differences between both ways to talk, each as a sentence with its figures; and what was expected of them.

use super::Report;
use super::table::drained;
use super::text::{ms, of, orders, percent, share, times};
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

/// What was expected, and whether it came.
pub(super) struct Expectation {
    pub(super) what: &'static str,
    pub(super) measured: String,
    pub(super) is_met: bool,
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

/// Both modes of a scenario, asynchronous first.
fn both(report: &Report, scenario: Scenario) -> Option<(&Measured, &Measured)> {
    report.comparison(scenario).map(|found| (&found.asynchronous, &found.synchronous))
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
    let Some((asynchronous, synchronous)) = both(report, Scenario::Healthy) else { return sentences };
    sentences.push(format!(
        "With everything healthy half of the asynchronous orders are answered within {}, and half of the synchronous ones \
         within {} (99 %: {} and {}): a ratio of {:.2}.",
        of(&asynchronous.latency_ms, |latency| latency.p50),
        of(&synchronous.latency_ms, |latency| latency.p50),
        of(&asynchronous.latency_ms, |latency| latency.p99),
        of(&synchronous.latency_ms, |latency| latency.p99),
        asynchronous.latency_ms.p50 / synchronous.latency_ms.p50
    ));
    if let Some((slow_asynchronous, slow_synchronous)) = both(report, Scenario::Payments200Ms) {
        sentences.push(format!(
            "With Payments 200 ms slower it is {} and {}: {:.2} times as long as before, and {} longer.",
            of(&slow_asynchronous.latency_ms, |latency| latency.p50),
            of(&slow_synchronous.latency_ms, |latency| latency.p50),
            slow_asynchronous.latency_ms.p50 / asynchronous.latency_ms.p50,
            ms((slow_synchronous.latency_ms.p50 - synchronous.latency_ms.p50).max(0.0))
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
            synchronous.accepted,
            orders(synchronous.offered),
            asynchronous.accepted,
            synchronous.accepted_ended.accepted + asynchronous.accepted_ended.accepted
        ));
    }
    if let Some((asynchronous, synchronous)) = both(report, Scenario::KinesisDown) {
        sentences.push(format!(
            "With Kinesis down what asynchronous mode did not know was up to {} old, and {} waited; synchronous mode went on \
             with the newest, and {} did.",
            of(&asynchronous.info.behind_ms, |behind| behind.max),
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

/// What was expected of what was run.
pub(super) fn expectations(report: &Report) -> Vec<Expectation> {
    let mut found = Vec::new();
    let healthy = both(report, Scenario::Healthy);
    if let Some((asynchronous, synchronous)) = healthy {
        let ratio = asynchronous.latency_ms.p50 / synchronous.latency_ms.p50;
        found.push(Expectation {
            what: "Healthy: asynchronous p50 at most 0.7 of synchronous",
            measured: format!("{ratio:.2}"),
            is_met: ratio <= 0.7,
        });
    }
    if let (Some((healthy_asynchronous, healthy_synchronous)), Some((asynchronous, synchronous))) =
        (healthy, both(report, Scenario::Payments200Ms))
    {
        let ratio = asynchronous.latency_ms.p50 / healthy_asynchronous.latency_ms.p50;
        found.push(Expectation {
            what: "Payments +200 ms: asynchronous p50 within 1.15 of its own when healthy",
            measured: format!("{ratio:.2}"),
            is_met: ratio <= 1.15,
        });
        let longer = synchronous.latency_ms.p50 - healthy_synchronous.latency_ms.p50;
        found.push(Expectation {
            what: "Payments +200 ms: synchronous p50 up by 200 ms or more",
            measured: ms(longer.max(0.0)),
            is_met: longer >= 200.0,
        });
    }
    if let Some((asynchronous, synchronous)) = both(report, Scenario::PaymentsDown) {
        found.push(Expectation {
            what: "Payments down: asynchronous mode accepts every order whose payment had arrived",
            measured: share(asynchronous.arrived_before),
            is_met: asynchronous.arrived_before.part() >= 1.0,
        });
        found.push(Expectation {
            what: "Payments down: synchronous mode accepts none meanwhile",
            measured: share(synchronous.during_fault),
            is_met: synchronous.during_fault.accepted == 0,
        });
    }
    if let Some((asynchronous, _)) = both(report, Scenario::KinesisDown) {
        let (waiting, ended) = (asynchronous.waiting, asynchronous.waiting_ended.accepted);
        found.push(Expectation {
            what: "Kinesis down: asynchronous orders wait, and all end accepted once it is back",
            measured: format!("{ended} of {waiting}"),
            is_met: waiting > 0 && ended == waiting,
        });
    }
    let wrong: u64 = report
        .comparisons
        .iter()
        .flat_map(|found| [&found.asynchronous, &found.synchronous])
        .map(|measured| measured.lost + measured.duplicated + measured.unsettled)
        .sum();
    found.push(Expectation {
        what: "Everywhere: nothing lost, nothing twice, every order where its payment puts it",
        measured: orders(wrong) + " not so",
        is_met: wrong == 0,
    });
    found
}

/// The part that failed, for those who read one figure.
pub(super) fn failed(measured: &Measured) -> String {
    percent(super::table::part(measured.failed, measured.offered))
}
