//! How a comparison is run.

use std::time::Duration;

/// How a comparison is run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadSettings {
    /// Orders a second in each mode.
    pub rate: f64,
    /// How long each scenario is measured.
    pub duration: Duration,
    /// How long orders come before that, to warm everything up.
    pub warm_up: Duration,
    /// Random seed.
    pub seed: u64,
}
