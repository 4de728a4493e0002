//! The report as a table for a terminal.

use std::fmt::Write;

use super::text::{of, percent, times};
use super::{Comparison, Report};
use crate::measure::Measured;
use crate::mode::Mode;

const HEAD: [&str; 14] = [
    "scenario", "mode", "orders", "at once", "waiting", "failed", "p50", "p90", "p99", "p99.9", "calls", "behind",
    "drained", "wrong",
];

pub(super) fn table(report: &Report) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    for comparison in &report.comparisons {
        for mode in Mode::BOTH {
            rows.push(row(comparison, mode));
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 | 1 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end());
        if number % 2 == 0 && number + 1 < rows.len() {
            text.push('\n');
        }
    }
    for skipped in &report.skipped {
        let _ = writeln!(text, "\n{} was not run: {}", skipped.scenario, skipped.reason);
    }
    let _ = writeln!(
        text,
        "\nat once: accepted in the answer. calls: requests to Payments for each order. behind: how old, at most, what the\n\
         decision did not know was. drained: from the end of the fault until no order waited. wrong: lost, duplicated, or not\n\
         where the payment puts it."
    );
    text
}

fn row(comparison: &Comparison, mode: Mode) -> [String; HEAD.len()] {
    let measured = comparison.measured(mode);
    let latency = &measured.latency_ms;
    let name = if mode == Mode::Asynchronous { comparison.scenario.name() } else { "" };
    let interrupted = if comparison.is_interrupted { "interrupted" } else { "" };
    let name = if name.is_empty() { interrupted } else { name };
    [
        name.to_owned(),
        mode.to_string(),
        measured.offered.to_string(),
        percent(part(measured.accepted, measured.offered)),
        percent(part(measured.waiting, measured.offered)),
        percent(part(measured.failed, measured.offered)),
        of(latency, |latency| latency.p50),
        of(latency, |latency| latency.p90),
        of(latency, |latency| latency.p99),
        of(latency, |latency| latency.p99_9),
        measured.calls_to_payments_per_order.map_or_else(|| "?".to_owned(), times),
        of(&measured.info.behind_ms, |behind| behind.max),
        drained(measured),
        (measured.lost + measured.duplicated + measured.unsettled).to_string(),
    ]
}

pub(super) fn drained(measured: &Measured) -> String {
    #[expect(clippy::cast_precision_loss, reason = "no run takes 2^52 ms")]
    measured.drain_ms.map_or_else(|| "–".to_owned(), |ms| format!("{:.1} s", ms as f64 / 1_000.0))
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 orders")]
pub(super) fn part(of: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { of as f64 / all as f64 }
}
