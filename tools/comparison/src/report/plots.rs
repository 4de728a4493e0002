//! The plots, as SVG.

mod bars;
mod panels;

use plotters::style::RGBColor;

use super::{Report, ReportError};
use crate::mode::Mode;
use crate::plot_style::{BLUE, ORANGE};
use crate::scenario::Scenario;
use panels::Panels;

/// What is drawn in a mode's colour.
fn colour(mode: Mode) -> RGBColor {
    match mode {
        Mode::Asynchronous => BLUE,
        Mode::Synchronous => ORANGE,
    }
}

/// Every plot that there are figures for, with its file's name.
pub(super) fn plots(report: &Report) -> Result<Vec<(&'static str, String)>, ReportError> {
    let mut plots = Vec::new();
    let failed = |name| move |reason: String| ReportError::Plot { name, reason };
    if !report.comparisons.is_empty() {
        plots.push(("latency.svg", bars::latencies(report).map_err(failed("latency.svg"))?));
    }
    let availability = Panels {
        title: "Orders accepted at once",
        unit: "%",
        scenarios: &[Scenario::PaymentsDown, Scenario::KinesisDown, Scenario::ConsumerDown],
        of: |timeline| &timeline.accepted,
        scale: 100.0,
        least: 100.0,
    };
    let staleness = Panels {
        title: "How far behind Payments Orders' copy is; synchronous mode has none",
        unit: "s",
        scenarios: &[Scenario::KinesisDown, Scenario::ConsumerDown],
        of: |timeline| &timeline.behind_s,
        scale: 1.0,
        least: 1.0,
    };
    let drain = Panels {
        title: "Orders waiting for their payment",
        unit: "",
        scenarios: &[Scenario::KinesisDown, Scenario::ConsumerDown],
        of: |timeline| &timeline.waiting,
        scale: 1.0,
        least: 10.0,
    };
    for (name, panels) in [("availability.svg", availability), ("staleness.svg", staleness), ("drain.svg", drain)] {
        if let Some(svg) = panels.draw(report).map_err(failed(name))? {
            plots.push((name, svg));
        }
    }
    Ok(plots)
}
