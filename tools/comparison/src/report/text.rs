//! Figures as people read them.

use crate::measure::{Latency, Share};

/// Milliseconds, with a decimal where they are few.
pub(super) fn ms(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.1} ms"),
        value if value < 10_000.0 => format!("{value:.0} ms"),
        value => format!("{:.1} s", value / 1_000.0),
    }
}

/// A percentile, where there was anything to have one of.
pub(super) fn of(latency: &Latency, percentile: impl Fn(&Latency) -> f64) -> String {
    if latency.count == 0 { "–".to_owned() } else { ms(percentile(latency)) }
}

/// A part as a percentage: 100 % only where it is all, and 0 % only where it is none.
pub(super) fn percent(part: f64) -> String {
    match part {
        part if part >= 1.0 => "100 %".to_owned(),
        part if part <= 0.0 => "0 %".to_owned(),
        part => format!("{:.1} %", (part * 100.0).clamp(0.1, 99.9)),
    }
}

/// `12 of 40 (30.0 %)`.
pub(super) fn share(share: Share) -> String {
    let part = share.part().map_or_else(|| "–".to_owned(), percent);
    format!("{} of {} ({part})", share.accepted, share.orders)
}

/// How often.
pub(super) fn times(value: f64) -> String {
    format!("{value:.2}")
}

/// `1 order`, `2 orders`.
pub(super) fn orders(number: u64) -> String {
    if number == 1 { "1 order".to_owned() } else { format!("{number} orders") }
}

/// A row of a Markdown table.
pub(super) fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// A Markdown table; columns after the first are aligned to the right.
pub(super) fn markdown_table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let head: Vec<String> = head.iter().map(ToString::to_string).collect();
    let mut table = row(&head);
    table.push_str("|---|");
    table.push_str(&"---:|".repeat(head.len().saturating_sub(1)));
    table.push('\n');
    rows.into_iter().for_each(|cells| table.push_str(&row(&cells)));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_never_rounded_to_all_or_none() {
        for (part, text) in [(1.0, "100 %"), (0.99999, "99.9 %"), (0.5, "50.0 %"), (0.00001, "0.1 %"), (0.0, "0 %")] {
            assert_eq!(percent(part), text);
        }
    }

    #[test]
    fn what_was_never_measured_has_no_figure() {
        assert_eq!(of(&Latency::default(), |latency| latency.p50), "–");
        assert_eq!((ms(4.26), ms(204.2), ms(12_345.0)), ("4.3 ms".into(), "204 ms".into(), "12.3 s".into()));
    }
}
