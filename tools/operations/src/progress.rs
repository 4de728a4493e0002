//! How far an operation has come, for whoever shows it.

/// How far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationProgress {
    /// Items of the orders table that are read.
    ReadingOrders {
        /// So many.
        items: u64,
    },
    /// Payments that are read.
    ReadingPayments {
        /// So many.
        payments: u64,
        /// Of about so many; 0 where that is not known.
        about: u64,
    },
    /// Payments that are looked at a second time.
    LookingAgain {
        /// So many.
        done: u64,
        /// Of so many.
        total: u64,
    },
    /// Payments that are put on the stream.
    Publishing {
        /// So many.
        done: u64,
        /// Of so many.
        total: u64,
    },
    /// Payments that are read and published.
    Replaying {
        /// So many are read.
        read: u64,
        /// Of about so many; 0 where that is not known.
        about: u64,
        /// So many of them are published.
        sent: u64,
    },
    /// Payments that Orders does not have yet.
    Waiting {
        /// So many.
        left: u64,
    },
}

/// Is told how far it is, often. [`unwatched`] where nobody wants to know.
pub type Watch<'w> = &'w (dyn Fn(OperationProgress) + Sync);

/// Nobody wants to know.
pub fn unwatched(_: OperationProgress) {}
