//! Report of a comparison of hubs.

use std::path::Path;

use minijinja::value::Serde;
use payment_events::Timestamp;
use serde::{Deserialize, Serialize};

use super::figures::HubResult;
use super::system::HubSystem;
use crate::machine::Machine;
use crate::plot_style::{BLUE, ORANGE};
use crate::report::{Bar, Bars, ReportError, environment, write_all};

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HubReport {
    /// Command line of the run.
    pub command: String,
    /// Start of the run.
    pub begun_at: Timestamp,
    /// Machine that it ran on.
    pub machine: Machine,
    /// How the functions were built.
    pub target: String,
    /// Payments per second.
    pub rate: f64,
    /// Length of each phase, in seconds.
    pub duration_s: f64,
    /// Rounds in which every system was measured.
    pub rounds: usize,
    /// Random seed.
    pub seed: u64,
    /// Systems measured.
    pub systems: Vec<HubResult>,
    /// True if the run was stopped before its end.
    pub is_interrupted: bool,
}

/// Variables of the templates.
#[derive(Serialize)]
struct Figures<'a> {
    report: &'a HubReport,
    /// Names of the systems, in their order.
    titles: Vec<&'static str>,
}

impl HubReport {
    /// True if nothing was lost, and the consumer first received the versions of each payment in order.
    pub fn is_right(&self) -> bool {
        self.systems.iter().all(HubResult::is_right)
    }

    /// Returns the figures of a system, if it was measured.
    pub fn system(&self, system: HubSystem) -> Option<&HubResult> {
        self.systems.iter().find(|result| result.system == system)
    }

    /// Renders tables for a terminal.
    pub fn table(&self) -> Result<String, ReportError> {
        self.render(include_str!("hubs.txt.jinja"))
    }

    /// Renders pretty-printed JSON.
    pub fn json(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Renders Markdown, which embeds the plot written beside it.
    pub fn markdown(&self) -> Result<String, ReportError> {
        self.render(include_str!("hubs.md.jinja"))
    }

    /// Writes `hubs.json`, `hubs.md` and `hubs.svg` into a directory, and creates it if necessary.
    pub fn write(&self, directory: &Path) -> Result<(), ReportError> {
        let plot = self.plot()?;
        write_all(directory, &[("hubs.json", self.json()?), ("hubs.svg", plot), ("hubs.md", self.markdown()?)])
    }

    fn plot(&self) -> Result<String, ReportError> {
        let rows = self.systems.iter().map(|result| {
            let bar = |latency| Bar { latency, note: String::new() };
            (result.system.title(), [bar(result.publish_ms), bar(result.projection_ms)])
        });
        let lanes = [("publish lag", BLUE), ("projection lag", ORANGE)];
        Ok(Bars { name: "hubs.svg", title: "Lag of each hub", lanes, none: "not measured", rows: rows.collect() }
            .draw()?)
    }

    fn render(&self, template: &str) -> Result<String, ReportError> {
        let titles = self.systems.iter().map(|result| result.system.title()).collect();
        Ok(environment()?.render_str(template, Serde(Figures { report: self, titles }))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_report_on_hubs_matches_its_figures() {
        let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/comparison");
        let read = |name: &str| std::fs::read_to_string(format!("{committed}/{name}")).unwrap();
        let report: HubReport = serde_json::from_str(&read("hubs.json")).unwrap();
        assert_eq!(report.markdown().unwrap(), read("hubs.md"), "render it again with `--example render`");
        assert_eq!(report.plot().unwrap(), read("hubs.svg"), "render it again with `--example render`");
        assert_eq!(report.systems.len(), 4, "every hub, and Kinesis in direct mode");
    }
}
