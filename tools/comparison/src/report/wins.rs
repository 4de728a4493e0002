//! Where each way to talk is better, as plainly as where it is not.

use super::Report;
use super::differences::both;
use super::text::{markdown_table, of, percent};
use crate::measure::Measured;
use crate::scenario::Scenario;

/// A figure, to compare and to read; none where there is nothing to have one of.
type Figure = Option<(f64, String)>;

/// What is compared, and whether the less of it is the better.
#[derive(Clone, Copy)]
struct Kind {
    what: &'static str,
    of: fn(&Measured) -> Figure,
    less_wins: bool,
}

const ANSWERED: Kind = Kind { what: "half of the orders answered within", of: p50, less_wins: true };
const ACCEPTED: Kind = Kind { what: "accepted at once meanwhile", of: accepted, less_wins: false };
const WAITED: Kind = Kind { what: "orders that waited", of: |measured| number(measured.waiting), less_wins: true };
const STALE: Kind = Kind {
    what: "decided on stale or missing info",
    of: |measured| number(measured.info.stale + measured.info.missing),
    less_wins: true,
};
const HELD: Kind = Kind {
    what: "accepted, and on hold later",
    of: |measured| number(measured.accepted_ended.on_hold),
    less_wins: true,
};

const COMPARED: [(Kind, Scenario); 13] = [
    (ANSWERED, Scenario::Healthy),
    (ANSWERED, Scenario::Payments200Ms),
    (ANSWERED, Scenario::Payments2S),
    (ACCEPTED, Scenario::PaymentsErrors),
    (ACCEPTED, Scenario::PaymentsDown),
    (ACCEPTED, Scenario::KinesisDown),
    (WAITED, Scenario::KinesisDown),
    (ACCEPTED, Scenario::ConsumerDown),
    (WAITED, Scenario::ConsumerDown),
    (STALE, Scenario::KinesisDown),
    (STALE, Scenario::VoidedUnheard),
    (HELD, Scenario::PaymentVoided),
    (HELD, Scenario::VoidedUnheard),
];

pub(super) fn wins(report: &Report) -> String {
    let mut rows: Vec<_> = COMPARED.iter().filter_map(|(kind, scenario)| row(report, *kind, *scenario)).collect();
    rows.push(vec![
        "parts that have to run for an order to be decided".to_owned(),
        "order-api, its table; **and before that** the stream, order-projector".to_owned(),
        "order-api, its table, **and at that moment** the Payments API, payment-api, its table".to_owned(),
    ]);
    rows.push(vec![
        "parts there are beside both APIs and tables".to_owned(),
        "a stream, order-projector, payment-relay, a quarantine".to_owned(),
        "**none**, to decide. Here it has them all the same: an order that waits is accepted, and one whose payment is voided \
         later is put on hold, by the asynchronous ones; without them its client would have to ask again"
            .to_owned(),
    ]);
    format!("## Who wins where\n\n{}", markdown_table(&["", "asynchronous", "synchronous"], rows))
}

fn row(report: &Report, kind: Kind, scenario: Scenario) -> Option<Vec<String>> {
    let (asynchronous, synchronous) = both(report, scenario)?;
    let (asynchronous, synchronous) = ((kind.of)(asynchronous)?, (kind.of)(synchronous)?);
    let first = if kind.less_wins { asynchronous.0 < synchronous.0 } else { asynchronous.0 > synchronous.0 };
    let differ = (asynchronous.0 - synchronous.0).abs() > f64::EPSILON;
    let bold = |text: String, wins: bool| if wins { format!("**{text}**") } else { text };
    Some(vec![
        format!("{}: {}", kind.what, scenario.title()),
        bold(asynchronous.1, differ && first),
        bold(synchronous.1, differ && !first),
    ])
}

fn p50(measured: &Measured) -> Figure {
    let latency = &measured.latency_ms;
    (latency.count > 0).then(|| (latency.p50, of(latency, |latency| latency.p50)))
}

fn accepted(measured: &Measured) -> Figure {
    let part = measured.during_fault.part()?;
    Some((part, percent(part)))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::unnecessary_wraps,
    reason = "no run has 2^52 orders; a figure is one of many"
)]
fn number(of: u64) -> Figure {
    Some((of as f64, of.to_string()))
}
