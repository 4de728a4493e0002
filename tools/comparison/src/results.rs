//! Figures of a run, independent of the report's format.

use payment_events::Timestamp;
use serde::{Deserialize, Serialize};

use crate::costs::Costs;
use crate::machine::Machine;
use crate::measure::Measured;
use crate::mode::Mode;
use crate::scenario::Scenario;
use crate::timeline::Timeline;

/// One scenario in both modes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioResult {
    /// Scenario measured.
    pub scenario: Scenario,
    /// True if it was stopped before its end.
    pub is_interrupted: bool,
    /// Begin and end of the fault, in seconds since the start of the window. `None` if there was no fault, or it lasted
    /// throughout.
    pub fault_s: Option<(f64, f64)>,
    /// Figures of asynchronous mode.
    pub asynchronous: Measured,
    /// Figures of synchronous mode.
    pub synchronous: Measured,
    /// Asynchronous mode over time.
    pub asynchronous_timeline: Timeline,
    /// Synchronous mode over time.
    pub synchronous_timeline: Timeline,
}

/// A scenario that was not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedScenario {
    /// Scenario left out.
    pub scenario: Scenario,
    /// Reason, as a clause.
    pub reason: String,
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparisonReport {
    /// Command line of the run.
    pub command: String,
    /// Start of the run.
    pub begun_at: Timestamp,
    /// Machine that it ran on.
    pub machine: Machine,
    /// System measured: a local environment and how its functions were built, or a deployed stack.
    pub target: String,
    /// Orders per second in each mode.
    pub rate: f64,
    /// Length of each scenario's measured window, in seconds.
    pub duration_s: f64,
    /// Random seed.
    pub seed: u64,
    /// Scenarios measured, in the order in which they ran.
    #[serde(rename = "comparisons")]
    pub scenarios: Vec<ScenarioResult>,
    /// Scenarios that were not measured.
    pub skipped: Vec<SkippedScenario>,
    /// Billed units used by each mode, if they were counted.
    pub costs: Option<Costs>,
}

impl ScenarioResult {
    /// Returns the measurements of a mode.
    pub fn measured(&self, mode: Mode) -> &Measured {
        match mode {
            Mode::Asynchronous => &self.asynchronous,
            Mode::Synchronous => &self.synchronous,
        }
    }

    /// A mode over time.
    pub fn timeline(&self, mode: Mode) -> &Timeline {
        match mode {
            Mode::Asynchronous => &self.asynchronous_timeline,
            Mode::Synchronous => &self.synchronous_timeline,
        }
    }

    /// Number of orders and payments of both modes that are lost, duplicated or unsettled.
    pub fn wrong(&self) -> u64 {
        let wrong = |measured: &Measured| measured.lost + measured.duplicated + measured.unsettled;
        wrong(&self.asynchronous) + wrong(&self.synchronous)
    }
}

impl ComparisonReport {
    /// True if nothing is lost or duplicated and every order is settled.
    pub fn is_right(&self) -> bool {
        self.scenarios.iter().all(|result| result.wrong() == 0)
    }

    /// Returns the scenario's result, if it was measured.
    pub fn scenario(&self, scenario: Scenario) -> Option<&ScenarioResult> {
        self.scenarios.iter().find(|result| result.scenario == scenario)
    }
}
