//! Load of a comparison.

use std::time::Duration;

/// Load under which each scenario is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadSettings {
    /// Orders per second in each mode.
    pub rate: f64,
    /// Length of the measured window.
    pub duration: Duration,
    /// Warm-up time under the same load before the window.
    pub warm_up: Duration,
    /// Random seed.
    pub seed: u64,
}
