//! Progress of a comparison, on standard error if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use paystream_comparison::hubs::{HubProgress, HubSystem};
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

    /// Starts the measurement of a system over a hub: number `number`, counted from 0, of `all`.
    pub(super) fn begin_hub(&self, system: HubSystem, number: usize, all: usize) {
        self.0.reset();
        self.0.set_style(style("{prefix} {bar:30} {pos}/{len} payments {msg}"));
        self.0.set_prefix(format!("{}/{all} {:<16}", number + 1, system.title()));
        self.0.set_message("starting");
    }

    pub(super) fn show_hub(&self, progress: HubProgress) {
        match progress {
            HubProgress::Payments { phase, done, total } => {
                self.0.set_length(total as u64);
                self.0.set_position(done as u64);
                self.0.set_message(phase.title());
            }
            HubProgress::Settling(phase) => self.0.set_message(format!("{}: waiting for Orders", phase.title())),
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
