//! Progress of a command, on standard error if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use paystream_operations::OperationProgress;

/// Progress bar of an operation.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Self {
        // Hidden if standard error is not a terminal.
        let bar = ProgressBar::no_length();
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Shows the progress.
    pub(crate) fn show(&self, progress: OperationProgress) {
        match progress {
            OperationProgress::ReadingOrders { items } => self.count(format!("{items} items of Orders read")),
            OperationProgress::ReadingPayments { payments, about } => self.bar(payments, about, "payments read"),
            OperationProgress::LookingAgain { done, total } => self.bar(done, total, "suspects read again"),
            OperationProgress::Publishing { done, total } => self.bar(done, total, "published"),
            OperationProgress::Replaying { read, about, sent } => {
                self.bar(read, about, &format!("payments read, {sent} published"));
            }
            OperationProgress::Waiting { left } => self.count(format!("waiting for {left} more to arrive in Orders")),
        }
    }

    /// Removes the bar from the screen.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }

    fn count(&self, message: String) {
        self.0.set_style(style("{spinner} {msg}"));
        self.0.set_message(message);
    }

    fn bar(&self, position: u64, length: u64, message: &str) {
        // The length may be stale: DynamoDB updates item counts every six hours.
        self.0.set_length(length.max(position));
        self.0.set_position(position);
        self.0.set_style(style("{bar:30} {pos}/{len} {msg}, {eta} left"));
        self.0.set_message(message.to_owned());
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
