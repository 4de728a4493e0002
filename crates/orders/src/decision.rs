//! What an order's status was decided on.

use std::str::FromStr;

use payment_events::{PaymentId, PaymentStatus, Timestamp};

use crate::UnknownName;

/// Where the payments that a decision was made on were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentRead {
    /// In Orders' own copy.
    Local,
    /// At Payments, which was asked while the request waited.
    Remote,
}

impl PaymentRead {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Local, Self::Remote];

    /// As it is on the wire.
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

/// One payment that a decision was made on, as it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasedOn {
    /// Which payment.
    pub payment_id: PaymentId,
    /// As of which version.
    pub version: u64,
    /// Where it stood.
    pub status: PaymentStatus,
    /// What it counted towards the order, in minor units of the order's currency.
    pub covers_minor: i64,
    /// How old that version was at the decision, in milliseconds.
    pub age_ms: u64,
}

/// What an order's status was decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Where the payments were read.
    pub read: PaymentRead,
    /// When.
    pub decided_at: Timestamp,
    /// The payments that were looked at, those that count first, newest first, at most [`Decision::BASED_ON_MAX`].
    pub based_on: Vec<BasedOn>,
}

impl Decision {
    /// The most payments a decision names, so that an order stays small however often its customer is declined. What it
    /// does not name is decided on Orders' copies alone from then on.
    pub const BASED_ON_MAX: usize = 100;
}
