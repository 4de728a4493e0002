//! The report as Markdown.

use std::fmt::Write;

use super::beside::{aws, bill, method};
use super::differences::{differences, expectations, failed};
use super::table::{drained, part};
use super::text::{markdown_table, of, percent, times};
use super::{Comparison, Report};
use crate::measure::{Ended, Measured};
use crate::mode::Mode;
use crate::scenario::Scenario;

pub(super) fn markdown(report: &Report) -> String {
    let mut text = String::new();
    let parts = [
        head(report),
        four(report),
        expected(report),
        wins(report),
        plots(report),
        figures(report),
        used(report),
        report.costs.as_ref().map(bill).unwrap_or_default(),
        aws(report),
        method(report),
    ];
    for part in parts.iter().filter(|part| !part.is_empty()) {
        text.push_str(part.trim_end());
        text.push_str("\n\n");
    }
    text.trim_end().to_owned() + "\n"
}

fn head(report: &Report) -> String {
    let mut text = format!(
        "# Both ways to talk, measured\n\nThe same orders, placed in turns on Orders' own copy of payment info (asynchronous) and by \
         asking Payments (synchronous), while ten things happen.\n\n\
         | | |\n|---|---|\n| made with | `{}` |\n| on | {} |\n| measured | {} |\n| begun | {} |\n\
         | load | {} orders a second in each mode, {} s a scenario, seed {} |\n",
        report.command, report.machine, report.target, report.begun_at, report.rate, report.duration_s, report.seed
    );
    for comparison in report.comparisons.iter().filter(|comparison| comparison.is_interrupted) {
        let _ = writeln!(
            text,
            "\n**{} was interrupted**: its figures are of what came before.",
            comparison.scenario.title()
        );
    }
    for skipped in &report.skipped {
        let _ = writeln!(text, "\n**{} was not run**: {}.", skipped.scenario.title(), skipped.reason);
    }
    text
}

fn four(report: &Report) -> String {
    let mut text = "## The four differences\n\n".to_owned();
    for found in differences(report) {
        let measured = if found.measured.is_empty() { "Not measured.".to_owned() } else { found.measured.join(" ") };
        let _ =
            writeln!(text, "- **{}**: {} against {}. {measured}", found.name, found.synchronous, found.asynchronous);
    }
    text
}

fn expected(report: &Report) -> String {
    let rows = expectations(report).into_iter().map(|expectation| {
        let met = if expectation.is_met { "yes" } else { "**no**" };
        vec![expectation.what.to_owned(), expectation.measured, met.to_owned()]
    });
    format!("## What was expected\n\n{}", markdown_table(&["", "measured", "met"], rows))
}

/// Where each is better, as plainly as where it is not.
fn wins(report: &Report) -> String {
    let mut rows = Vec::new();
    let mut compare = |what: &str, scenario: Scenario, figure: &dyn Fn(&Measured) -> (f64, String), less_wins: bool| {
        let Some(found) = report.comparison(scenario) else { return };
        let (asynchronous, synchronous) = (figure(&found.asynchronous), figure(&found.synchronous));
        let first = if less_wins { asynchronous.0 < synchronous.0 } else { asynchronous.0 > synchronous.0 };
        let bold = |text: String, wins: bool| if wins { format!("**{text}**") } else { text };
        let differ = (asynchronous.0 - synchronous.0).abs() > f64::EPSILON;
        rows.push(vec![
            format!("{what}: {}", scenario.title()),
            bold(asynchronous.1, differ && first),
            bold(synchronous.1, differ && !first),
        ]);
    };
    let p50 = |measured: &Measured| (measured.latency_ms.p50, of(&measured.latency_ms, |latency| latency.p50));
    let accepted = |measured: &Measured| {
        let part = measured.during_fault.part();
        (part, percent(part))
    };
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 orders")]
    let waiting = |measured: &Measured| (measured.waiting as f64, measured.waiting.to_string());
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 orders")]
    let held = |measured: &Measured| {
        let held = measured.accepted_ended.on_hold;
        (held as f64, held.to_string())
    };
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 orders")]
    let stale = |measured: &Measured| {
        let stale = measured.info.stale + measured.info.missing;
        (stale as f64, stale.to_string())
    };
    compare("half of the orders answered within", Scenario::Healthy, &p50, true);
    compare("half of the orders answered within", Scenario::Payments200Ms, &p50, true);
    compare("half of the orders answered within", Scenario::Payments2S, &p50, true);
    for scenario in [Scenario::PaymentsErrors, Scenario::PaymentsDown] {
        compare("accepted at once meanwhile", scenario, &accepted, false);
    }
    for scenario in [Scenario::KinesisDown, Scenario::ConsumerDown] {
        compare("accepted at once meanwhile", scenario, &accepted, false);
        compare("orders that waited", scenario, &waiting, true);
    }
    compare("decided on stale or missing info", Scenario::KinesisDown, &stale, true);
    compare("accepted, and on hold later", Scenario::PaymentVoided, &held, true);
    rows.push(vec![
        "parts that have to run for an order to be decided".to_owned(),
        "order-api, its table; **and before that** the stream, order-projector".to_owned(),
        "order-api, its table, **and at that moment** the Payments API, payment-api, its table".to_owned(),
    ]);
    rows.push(vec![
        "parts there are beside both APIs and tables".to_owned(),
        "a stream, order-projector, payment-relay, a quarantine".to_owned(),
        "**none**".to_owned(),
    ]);
    format!("## Who wins where\n\n{}", markdown_table(&["", "asynchronous", "synchronous"], rows))
}

fn plots(report: &Report) -> String {
    let mut text = "## Plots\n\n![How long orders took to be answered, by scenario and mode](latency.svg)\n".to_owned();
    let outages = [Scenario::PaymentsDown, Scenario::KinesisDown, Scenario::ConsumerDown];
    if outages.iter().any(|scenario| report.comparison(*scenario).is_some()) {
        text.push_str(
            "\n![The part of the orders that was accepted at once, over time](availability.svg)\n\
             \n![How far behind Payments each mode's knowledge was, over time](staleness.svg)\n\
             \n![Orders that were waiting for their payment, over time](drain.svg)\n",
        );
    }
    text
}

fn each_mode(report: &Report, cells: impl Fn(&Comparison, &Measured) -> Vec<String>) -> Vec<Vec<String>> {
    let rows = report.comparisons.iter().flat_map(|comparison| {
        Mode::BOTH.map(|mode| {
            let name = if mode == Mode::Asynchronous { comparison.scenario.title() } else { "" };
            let head = [name.to_owned(), mode.to_string()];
            head.into_iter().chain(cells(comparison, comparison.measured(mode))).collect()
        })
    });
    rows.collect()
}

fn figures(report: &Report) -> String {
    let head = [
        "", "", "orders", "at once", "waiting", "failed", "p50", "p90", "p99", "p99.9", "orders/s", "calls", "drained",
        "lost", "twice",
    ];
    let rows = each_mode(report, |_, measured| {
        let latency = &measured.latency_ms;
        vec![
            measured.offered.to_string(),
            percent(part(measured.accepted, measured.offered)),
            percent(part(measured.waiting, measured.offered)),
            failed(measured),
            of(latency, |latency| latency.p50),
            of(latency, |latency| latency.p90),
            of(latency, |latency| latency.p99),
            of(latency, |latency| latency.p99_9),
            format!("{:.1}", measured.orders_per_s),
            measured.calls_to_payments_per_order.map_or_else(|| "?".to_owned(), times),
            drained(measured),
            measured.lost.to_string(),
            measured.duplicated.to_string(),
        ]
    });
    let few = report.comparisons.iter().map(|found| found.asynchronous.latency_ms.count).min().unwrap_or_default();
    format!(
        "## All figures\n\n{}\nLatencies are of orders that were placed, accepted or waiting, from when they were to be sent. *Calls* \
         are requests to Payments for each order. *Drained* is from the end of the fault until no order waited any more. {}\n",
        markdown_table(&head, rows),
        if few < 2_000 {
            format!("With {few} orders, p99.9 is the longest or the second longest of them: take it for that.")
        } else {
            String::new()
        }
    )
}

fn used(report: &Report) -> String {
    let head = ["", "", "age p50", "age p99", "behind p99", "behind, most", "stale", "ended", "missing", "ended"];
    let rows = each_mode(report, |_, measured| {
        let info = &measured.info;
        vec![
            of(&info.age_ms, |age| age.p50),
            of(&info.age_ms, |age| age.p99),
            of(&info.behind_ms, |behind| behind.p99),
            of(&info.behind_ms, |behind| behind.max),
            info.stale.to_string(),
            ended(&info.stale_ended),
            info.missing.to_string(),
            ended(&info.missing_ended),
        ]
    });
    format!(
        "## What was decided on\n\n{}\n*Age* is how long before the decision Payments had made what it was made on; payments are \
         made a second before their orders and more. *Behind* is how long before it Payments had made what the decision did not \
         know, although the payment's client had been told: 0 where it knew the newest. Decisions on older info are *stale*, those \
         on none are *missing*; beside each, where these orders ended.\n",
        markdown_table(&head, rows)
    )
}

fn ended(ended: &Ended) -> String {
    let parts = [
        (ended.accepted, "accepted"),
        (ended.on_hold, "on hold"),
        (ended.waiting, "waiting"),
        (ended.missing, "not there"),
    ];
    let said: Vec<String> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, how)| format!("{number} {how}")).collect();
    if said.is_empty() { "–".to_owned() } else { said.join(", ") }
}
