//! How far a command is, on standard error and only where that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use paystream_operations::OperationProgress;

/// A bar that shows what it is told.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Self {
        // Hidden where standard error is no terminal.
        let bar = ProgressBar::no_length();
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Shows how far it is.
    pub(crate) fn show(&self, progress: OperationProgress) {
        match progress {
            OperationProgress::ReadingOrders { items } => self.count(format!("{items} items of Orders read")),
            OperationProgress::ReadingPayments { payments, about } => self.bar(payments, about, "payments read"),
            OperationProgress::LookingAgain { done, total } => self.bar(done, total, "looked at again"),
            OperationProgress::Publishing { done, total } => self.bar(done, total, "published"),
            OperationProgress::Replaying { read, about, sent } => {
                self.bar(read, about, &format!("payments read, {sent} published"));
            }
            OperationProgress::Waiting { left } => self.count(format!("waiting until Orders has {left} more")),
        }
    }

    /// Takes it off the screen.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }

    fn count(&self, message: String) {
        self.0.set_style(style("{spinner} {msg}"));
        self.0.set_message(message);
    }

    fn bar(&self, position: u64, length: u64, message: &str) {
        // The length may be old: DynamoDB counts every six hours.
        self.0.set_length(length.max(position));
        self.0.set_position(position);
        self.0.set_style(style("{bar:30} {pos}/{len} {msg}, {eta} left"));
        self.0.set_message(message.to_owned());
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
