//! Progress of a comparison, on standard error if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use paystream_comparison::{Scenario, ScenarioProgress};

/// Progress bar of the scenarios.
#[derive(Clone)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        // Hidden if standard error is not a terminal.
        let bar = ProgressBar::no_length();
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Starts scenario `number`, counted from 0, of `all`.
    pub(super) fn begin(&self, scenario: Scenario, number: usize, all: usize) {
        self.0.reset();
        self.0.set_style(style("{prefix} {bar:30} {pos}/{len} orders {msg}"));
        self.0.set_prefix(format!("{}/{all} {:<22}", number + 1, scenario.title()));
        self.0.set_message("");
    }

    pub(super) fn show(&self, progress: ScenarioProgress) {
        match progress {
            ScenarioProgress::Orders { done, total } => {
                self.0.set_length(total as u64);
                self.0.set_position(done as u64);
            }
            ScenarioProgress::Settling => self.0.set_message("reading the final state of the orders"),
        }
    }

    /// Shows that the billed usage is being measured.
    pub(super) fn counting(&self) {
        self.0.set_style(style("{spinner} {msg}"));
        self.0.set_message("measuring the billed usage of each mode");
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
