//! The payments behind an order's status.

use std::str::FromStr;

use payment_events::{PaymentId, PaymentStatus, Timestamp};

use crate::UnknownName;

/// Source of the payments behind a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentRead {
    /// The read model.
    Local,
    /// The Payments API, called while the request waited.
    Remote,
}

impl PaymentRead {
    /// Every source.
    pub const ALL: [Self; 2] = [Self::Local, Self::Remote];

    /// Returns the name used in JSON and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
        }
    }
}

impl FromStr for PaymentRead {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|read| read.as_str() == text);
        found.ok_or(UnknownName("local and remote"))
    }
}

/// Snapshot of one payment at the time of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasedOn {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Version of the payment.
    pub version: u64,
    /// Status of the payment in that version.
    pub status: PaymentStatus,
    /// Amount that it covered of the order, in minor units of the order's currency.
    pub covers_minor: i64,
    /// Age of that version at the decision, in milliseconds.
    pub age_ms: u64,
}

/// The payments that an order's status is based on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Source of the payments.
    pub read: PaymentRead,
    /// Time of the decision.
    pub decided_at: Timestamp,
    /// The payments considered: covering ones first, then newest first. At most [`Decision::BASED_ON_MAX`] of those that
    /// the read model had, and at most [`PAYMENTS_MAX`](crate::PAYMENTS_MAX) that it did not have yet.
    pub based_on: Vec<BasedOn>,
    /// Number of payments considered.
    pub payments: usize,
    /// True if these were all payments of the order. If they were not and do not cover the order, its status was kept.
    pub is_complete: bool,
}

impl Decision {
    /// Maximum number of payments recorded in a decision, apart from those that the read model does not have yet. It
    /// bounds the size of an order whose customer is declined many times. Later decisions take the other payments from
    /// the read model.
    pub const BASED_ON_MAX: usize = 100;
}
