//! Progress reports of long-running operations.

/// Progress of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationProgress {
    /// Reading the orders table.
    ReadingOrders {
        /// Items read.
        items: u64,
    },
    /// Reading the payments table.
    ReadingPayments {
        /// Payments read.
        payments: u64,
        /// Approximate total; 0 if unknown.
        about: u64,
    },
    /// Reading suspects a second time.
    LookingAgain {
        /// Suspects read.
        done: u64,
        /// Suspects in total.
        total: u64,
    },
    /// Publishing repairs.
    Publishing {
        /// Payments published.
        done: u64,
        /// Payments to publish.
        total: u64,
    },
    /// Reading payments and publishing them.
    Replaying {
        /// Payments read.
        read: u64,
        /// Approximate total; 0 if unknown.
        about: u64,
        /// Payments published.
        sent: u64,
    },
    /// Waiting until Orders has stored the published payments.
    Waiting {
        /// Payments that Orders does not have yet.
        left: u64,
    },
}

/// Progress callback, called often. [`unwatched`] ignores every report.
pub type Watch<'w> = &'w (dyn Fn(OperationProgress) + Sync);

/// Ignores progress.
pub fn unwatched(_: OperationProgress) {}
