//! Plots as SVG.

mod bars;
mod panels;

pub(crate) use bars::{Bar, Bars};

use crate::results::ComparisonReport;
use crate::scenario::Scenario;
use panels::Panels;

/// A plot could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw {name}: {reason}")]
pub struct PlotError {
    /// File name of the plot.
    pub name: &'static str,
    /// Message of the plotting library.
    pub reason: String,
}

/// Draws every plot that has figures. Returns file names and SVG text.
pub(super) fn plots(report: &ComparisonReport) -> Result<Vec<(&'static str, String)>, PlotError> {
    let mut plots = Vec::new();
    let failed = |name| move |reason: String| PlotError { name, reason };
    if !report.scenarios.is_empty() {
        plots.push(("latency.svg", bars::latencies(report).draw()?));
    }
    let availability = Panels {
        title: "Orders accepted in the response",
        unit: "%",
        scenarios: &[Scenario::PaymentsDown, Scenario::KinesisDown, Scenario::ConsumerDown],
        of: |timeline| &timeline.accepted,
        scale: 100.0,
        least: 100.0,
    };
    let staleness = Panels {
        title: "Staleness of Orders' read model (asynchronous mode only)",
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
