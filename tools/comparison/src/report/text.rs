//! Formatting of figures.

/// Formats milliseconds: one decimal below 10 ms, seconds from 10 s.
pub(super) fn ms(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.1} ms"),
        value if value < 10_000.0 => format!("{value:.0} ms"),
        value => format!("{:.1} s", value / 1_000.0),
    }
}

/// Formats a share as a percentage: 100 % only for all, 0 % only for none, `–` if the total is 0.
#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 orders")]
pub(super) fn percent_of(part: u64, all: u64) -> String {
    match (part, all) {
        (_, 0) => "–".to_owned(),
        (0, _) => "0 %".to_owned(),
        (part, all) if part >= all => "100 %".to_owned(),
        (part, all) => format!("{:.1} %", (part as f64 * 100.0 / all as f64).clamp(0.1, 99.9)),
    }
}

/// Aligns tab-separated columns: the first two left, the others right. Keeps empty lines.
#[expect(clippy::needless_pass_by_value, reason = "minijinja passes filter arguments by value")]
pub(super) fn align(text: String) -> String {
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let line = |row: &Vec<&str>| {
        let cells = row.iter().enumerate().map(|(column, cell)| match (column, width(column).unwrap_or_default()) {
            (0 | 1, width) => format!("{cell:<width$}"),
            (_, width) => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_never_rounded_to_all_or_none() {
        for (part, text) in [(100_000, "100 %"), (99_999, "99.9 %"), (50_000, "50.0 %"), (1, "0.1 %"), (0, "0 %")] {
            assert_eq!(percent_of(part, 100_000), text);
        }
    }

    #[test]
    fn a_share_of_nothing_has_no_figure_and_milliseconds_are_rounded() {
        assert_eq!(percent_of(0, 0), "–");
        assert_eq!((ms(4.26), ms(204.2), ms(12_345.0)), ("4.3 ms".into(), "204 ms".into(), "12.3 s".into()));
    }

    #[test]
    fn columns_are_aligned_and_empty_lines_are_kept() {
        assert_eq!(align("a\tmode\t1\n\nlong\tb\t1000".to_owned()), "a     mode     1\n\nlong  b     1000");
    }
}
