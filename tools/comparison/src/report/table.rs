//! The report as tables for a terminal.

use std::fmt::Write;

use super::text::{of, percent, times};
use super::{Comparison, Report};
use crate::costs::{Costs, PerOrder};
use crate::measure::Measured;
use crate::mode::Mode;

/// What a table has in its columns, and what it needs to have it.
type Column = (&'static str, fn(&Measured) -> String);

const ANSWERS: [Column; 12] = [
    ("orders", |measured| measured.offered.to_string()),
    ("at once", |measured| percent(part(measured.accepted, measured.offered))),
    ("on hold", |measured| percent(part(measured.held, measured.offered))),
    ("waiting", |measured| percent(part(measured.waiting, measured.offered))),
    ("failed", failed),
    ("p50", |measured| of(&measured.latency_ms, |latency| latency.p50)),
    ("p90", |measured| of(&measured.latency_ms, |latency| latency.p90)),
    ("p99", |measured| of(&measured.latency_ms, |latency| latency.p99)),
    ("p99.9", |measured| of(&measured.latency_ms, |latency| latency.p99_9)),
    ("orders/s", |measured| format!("{:.1}", measured.orders_per_s)),
    ("calls", |measured| measured.calls_to_payments_per_order.map_or_else(|| "?".to_owned(), times)),
    ("drained", drained),
];
const DECISIONS: [Column; 10] = [
    ("age p50", |measured| of(&measured.info.age_ms, |age| age.p50)),
    ("age p99", |measured| of(&measured.info.age_ms, |age| age.p99)),
    ("stale", |measured| measured.info.stale.to_string()),
    ("missing", |measured| measured.info.missing.to_string()),
    ("waited p50", |measured| of(&measured.waited_ms, |waited| waited.p50)),
    ("most", |measured| of(&measured.waited_ms, |waited| waited.max)),
    ("copy, most", |measured| of(&measured.lag_ms, |lag| lag.max)),
    ("lost", |measured| measured.lost.to_string()),
    ("twice", |measured| measured.duplicated.to_string()),
    ("elsewhere", |measured| measured.unsettled.to_string()),
];

pub(super) fn table(report: &Report) -> String {
    let mut text = grid(report, &ANSWERS);
    text.push_str(
        "\nat once: accepted in the answer. on hold: accepted, and on hold by the time of the answer. calls: requests to Payments\n\
         for each order. drained: from the end of the fault until no order waited.\n\n",
    );
    text.push_str(&grid(report, &DECISIONS));
    text.push_str(
        "\nage: of the payment info that was used. stale, missing: decided on older info than the payment's client had been told,\n\
         or on none. waited: until orders that waited were accepted. copy: from Payments to Orders' copy. elsewhere: orders that\n\
         are not where their payment puts them.\n",
    );
    if let Some(costs) = &report.costs {
        text.push('\n');
        text.push_str(&bill(costs));
    }
    for skipped in &report.skipped {
        let _ = writeln!(text, "\n{} was not run: {}", skipped.scenario, skipped.reason);
    }
    text
}

fn grid(report: &Report, columns: &[Column]) -> String {
    let head = ["scenario", "mode"].into_iter().chain(columns.iter().map(|(name, _)| *name));
    let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).collect()];
    for comparison in &report.comparisons {
        for mode in Mode::BOTH {
            let cells = columns.iter().map(|(_, of)| of(comparison.measured(mode)));
            rows.push([name(comparison, mode), mode.to_string()].into_iter().chain(cells).collect());
        }
    }
    aligned(&rows, |number| number % 2 == 0)
}

fn name(comparison: &Comparison, mode: Mode) -> String {
    match mode {
        Mode::Asynchronous => comparison.scenario.to_string(),
        Mode::Synchronous if comparison.is_interrupted => "interrupted".to_owned(),
        Mode::Synchronous => String::new(),
    }
}

fn bill(costs: &Costs) -> String {
    let head = ["each", "", "requests", "invocations", "read units", "write units", "payload units"];
    let row = |what: &str, used: PerOrder| {
        let figures =
            [used.api_requests, used.invocations, used.read_units, used.write_units, used.payload_units].map(times);
        [what.to_owned(), String::new()].into_iter().chain(figures).collect()
    };
    let rows = [
        head.map(str::to_owned).to_vec(),
        row("payment", costs.payment),
        row("keeping Orders' copy", costs.copy),
        row("order, asynchronous", costs.asynchronous_order),
        row("order, synchronous", costs.synchronous_order),
    ];
    aligned(&rows, |number| number == 0)
}

/// Columns after the second to the right; an empty line after the rows of these numbers, but for the last.
fn aligned(rows: &[Vec<String>], is_followed_by_space: impl Fn(usize) -> bool) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 | 1 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end());
        if is_followed_by_space(number) && number + 1 < rows.len() {
            text.push('\n');
        }
    }
    text
}

/// The part that failed.
pub(super) fn failed(measured: &Measured) -> String {
    percent(part(measured.failed, measured.offered))
}

pub(super) fn drained(measured: &Measured) -> String {
    #[expect(clippy::cast_precision_loss, reason = "no run takes 2^52 ms")]
    measured.drain_ms.map_or_else(|| "–".to_owned(), |ms| format!("{:.1} s", ms as f64 / 1_000.0))
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 orders")]
pub(super) fn part(of: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { of as f64 / all as f64 }
}
