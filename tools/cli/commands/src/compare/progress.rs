//! How far a comparison is, on standard error and only where that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use paystream_comparison::{Scenario, ScenarioProgress};

/// A bar for one scenario after the other.
#[derive(Clone)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        // Hidden where standard error is no terminal.
        let bar = ProgressBar::no_length();
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// A scenario begins, of so many.
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
            ScenarioProgress::Settling => self.0.set_message("reading where they ended"),
        }
    }

    /// What each mode uses is counted.
    pub(super) fn counting(&self) {
        self.0.set_style(style("{spinner} {msg}"));
        self.0.set_message("counting what each mode uses");
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
