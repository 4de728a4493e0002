//! What was measured, and the four ways in which it is told.

mod beside;
mod differences;
mod expectations;
mod machine;
mod markdown;
mod plots;
mod published;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod wins;

use std::io;
use std::path::{Path, PathBuf};

use payment_events::Timestamp;
use serde::{Serialize, Serializer};

use crate::costs::Costs;
use crate::measure::Measured;
use crate::mode::Mode;
use crate::scenario::Scenario;
use crate::timeline::Timeline;

pub use machine::Machine;

/// One scenario in both modes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Which.
    pub scenario: Scenario,
    /// Whether it was stopped before its end.
    pub is_interrupted: bool,
    /// From when until when something was wrong, in seconds since the window began, where it was not so all the time.
    pub fault_s: Option<(f64, f64)>,
    /// On Orders' own copy.
    pub asynchronous: Measured,
    /// By asking Payments.
    pub synchronous: Measured,
    /// Over time.
    pub asynchronous_timeline: Timeline,
    /// Over time.
    pub synchronous_timeline: Timeline,
}

/// A scenario that was not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Which.
    pub scenario: Scenario,
    /// Why.
    pub reason: String,
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The command that made it.
    pub command: String,
    /// When it was begun.
    #[serde(serialize_with = "as_text")]
    pub begun_at: Timestamp,
    /// What it ran on.
    pub machine: Machine,
    /// What was measured: a local environment and how its functions were built, or a deployed stack.
    pub target: String,
    /// Orders a second in each mode.
    pub rate: f64,
    /// How long each scenario was measured, in seconds.
    pub duration_s: f64,
    /// What all that is random was made from.
    pub seed: u64,
    /// What was measured, in the order in which it was.
    pub comparisons: Vec<Comparison>,
    /// What was not.
    pub skipped: Vec<Skipped>,
    /// What each mode uses of what AWS bills, where that was counted.
    pub costs: Option<Costs>,
}

/// The report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file could not be.
    #[error("cannot write {}: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A plot could not be drawn.
    #[error("cannot draw {name}: {reason}")]
    Plot {
        /// Which.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// The figures are no JSON.
    #[error("cannot write the figures as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Comparison {
    /// What a mode did.
    pub fn measured(&self, mode: Mode) -> &Measured {
        match mode {
            Mode::Asynchronous => &self.asynchronous,
            Mode::Synchronous => &self.synchronous,
        }
    }

    /// How a mode went over time.
    pub fn timeline(&self, mode: Mode) -> &Timeline {
        match mode {
            Mode::Asynchronous => &self.asynchronous_timeline,
            Mode::Synchronous => &self.synchronous_timeline,
        }
    }
}

impl Report {
    /// Whether nothing was lost, nothing made twice, and every order is where its payment puts it.
    pub fn is_right(&self) -> bool {
        let wrong = |measured: &Measured| measured.lost + measured.duplicated + measured.unsettled;
        self.comparisons.iter().all(|found| wrong(&found.asynchronous) + wrong(&found.synchronous) == 0)
    }

    /// The scenario, where it was measured.
    pub fn comparison(&self, scenario: Scenario) -> Option<&Comparison> {
        self.comparisons.iter().find(|comparison| comparison.scenario == scenario)
    }

    /// As a table for a terminal.
    pub fn table(&self) -> String {
        table::table(self)
    }

    /// As JSON, on several lines.
    pub fn json(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// As Markdown, which shows the plots that are written beside it.
    pub fn markdown(&self) -> String {
        markdown::markdown(self)
    }

    /// Writes `report.json`, `report.md` and the plots into a directory, which is made where it is not there.
    pub fn write(&self, directory: &Path) -> Result<(), ReportError> {
        std::fs::create_dir_all(directory)
            .map_err(|reason| ReportError::File { path: directory.to_owned(), reason })?;
        let write = |name: &str, text: &str| {
            let path = directory.join(name);
            std::fs::write(&path, text).map_err(|reason| ReportError::File { path, reason })
        };
        write("report.json", &self.json()?)?;
        for (name, svg) in plots::plots(self)? {
            write(name, &svg)?;
        }
        write("report.md", &self.markdown())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "this is how serde calls it")]
fn as_text<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}
