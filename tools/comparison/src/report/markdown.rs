//! The report as Markdown.

use std::fmt::Write;

use super::beside::{aws, bill, method};
use super::differences::differences;
use super::expectations::expectations;
use super::table::{drained, failed, part};
use super::text::{markdown_table, of, percent, times};
use super::wins::wins;
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
         asking Payments (synchronous), in {} situations.\n\n\
         | | |\n|---|---|\n| made with | `{}` |\n| on | {} |\n| measured | {} |\n| begun | {} |\n\
         | load | {} orders a second in each mode, {} s a scenario, seed {} |\n",
        report.comparisons.len(),
        report.command,
        report.machine,
        report.target,
        report.begun_at,
        report.rate,
        report.duration_s,
        report.seed
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

fn plots(report: &Report) -> String {
    let mut text = "## Plots\n\n![How long it took until orders were placed, by scenario and mode, and how many failed](latency.svg)\n".to_owned();
    let outages = [Scenario::PaymentsDown, Scenario::KinesisDown, Scenario::ConsumerDown];
    if outages.iter().any(|scenario| report.comparison(*scenario).is_some()) {
        text.push_str(
            "\n![The part of the orders that was accepted at once, over time](availability.svg)\n\
             \n![How far behind Payments Orders' copy was, over time](staleness.svg)\n\
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
        "", "", "orders", "at once", "on hold", "waiting", "failed", "p50", "p90", "p99", "p99.9", "orders/s", "calls",
        "drained", "lost", "twice",
    ];
    let rows = each_mode(report, |_, measured| {
        let latency = &measured.latency_ms;
        vec![
            measured.offered.to_string(),
            percent(part(measured.accepted, measured.offered)),
            percent(part(measured.held, measured.offered)),
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
        "## All figures\n\n{}\nLatencies are of orders that were placed, whether accepted, on hold or waiting, from when they were to \
         be sent; those that failed are in none. *On hold* are orders whose payment was voided between their being accepted and \
         their answer. *Calls* are requests to Payments for each order. *Drained* is from the end of the fault until no order waited any more. {}\n",
        markdown_table(&head, rows),
        if few < 2_000 {
            format!("With {few} orders, p99.9 is the longest or the second longest of them: take it for that.")
        } else {
            String::new()
        }
    )
}

fn used(report: &Report) -> String {
    let head = [
        "",
        "",
        "age p50",
        "age p99",
        "stale",
        "ended",
        "missing",
        "ended",
        "waiting",
        "ended",
        "waited p50",
        "waited, most",
        "way to the copy p50",
        "most",
    ];
    let rows = each_mode(report, |_, measured| {
        let (info, waited, lag) = (&measured.info, &measured.waited_ms, &measured.lag_ms);
        vec![
            of(&info.age_ms, |age| age.p50),
            of(&info.age_ms, |age| age.p99),
            info.stale.to_string(),
            ended(&info.stale_ended),
            info.missing.to_string(),
            ended(&info.missing_ended),
            measured.waiting.to_string(),
            ended(&measured.waiting_ended),
            of(waited, |waited| waited.p50),
            of(waited, |waited| waited.max),
            of(lag, |lag| lag.p50),
            of(lag, |lag| lag.max),
        ]
    });
    format!(
        "## What was decided on, and where it ended\n\n{}\n*Age* is how long before the decision Payments had made what it was \
         made on; payments are made a second before their orders and more. Decisions are *stale* where the payment's client had \
         been told of something newer before it sent the order, and *missing* where it had been told of the payment and the \
         decision knew none. Orders are *waiting* for their payment, whether it was there or not. Beside each, where these orders \
         ended. *Waited* is from when an order was sent until it was accepted, of those that waited and were. *The way to the copy* \
         is from when Payments made a version until Orders had stored it, of these orders' payments: asynchronous mode decides on \
         the copy, synchronous mode's orders that wait are accepted by it.\n",
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
