//! What an event says of a payment: all of it, as of one version.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::text::{json_string, string_schema};
use crate::{Money, OrderId, PaymentId, Timestamp};

/// Where a published payment stands. (`processing` is Payments' own affair and never published.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// The processor holds the amount for this order; nothing is captured yet.
    Authorized,
    /// Captured in full or in part, and not refunded in full.
    Captured,
    /// All that was captured has been refunded.
    Refunded,
    /// The authorization was given up before anything was captured.
    Voided,
    /// The processor said no.
    Declined,
}

impl PaymentStatus {
    /// Every status, in the order of a payment's life.
    pub const ALL: [Self; 5] = [Self::Authorized, Self::Captured, Self::Refunded, Self::Voided, Self::Declined];

    /// The status as it is on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Refunded => "refunded",
            Self::Voided => "voided",
            Self::Declined => "declined",
        }
    }
}

impl FromStr for PaymentStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownStatus)
    }
}

/// The text names no status of this contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be authorized, captured, refunded, voided or declined")]
pub struct UnknownStatus;

impl fmt::Display for PaymentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

json_string!(PaymentStatus);
string_schema!(PaymentStatus, {
    "description": "Where a published payment stands.",
    "enum": Self::ALL.map(Self::as_str),
});

/// Why the processor declined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decline {
    /// Stable, for programs: `insufficient_funds`.
    pub code: String,
    /// For people.
    pub message: String,
}

/// The whole payment as of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentInfo {
    /// Which payment.
    pub payment_id: PaymentId,
    /// The order it pays for.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: PaymentStatus,
    /// What was asked for, and what is held while authorized.
    pub amount: Money,
    /// What was captured, in minor units of `amount`'s currency: 0 to `amount`.
    #[schemars(range(min = 0))]
    pub captured_minor: i64,
    /// What was refunded, in minor units of `amount`'s currency: 0 to `captured_minor`.
    #[schemars(range(min = 0))]
    pub refunded_minor: i64,
    /// Present exactly when declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<Decline>")]
    pub decline: Option<Decline>,
    /// 1, 2, 3 …: one for each published state. The highest is the truth.
    #[schemars(range(min = 1))]
    pub version: u64,
    /// When the payment was accepted.
    pub created_at: Timestamp,
    /// When this version came about.
    pub updated_at: Timestamp,
}

/// A payment that contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPaymentInfo {
    /// Published versions start at 1.
    #[error("version must be at least 1")]
    Version,
    /// Outside 0 to the amount, or not what the status says.
    #[error("captured_minor does not fit a payment that is {0}")]
    Captured(PaymentStatus),
    /// Outside 0 to what was captured, or not what the status says.
    #[error("refunded_minor does not fit a payment that is {0}")]
    Refunded(PaymentStatus),
    /// There is a decline without the status, or the status without one.
    #[error("decline must be there exactly when the status is declined")]
    Decline,
    /// The version is older than the payment.
    #[error("updated_at must not be before created_at")]
    UpdatedBeforeCreated,
}

impl PaymentInfo {
    /// Whether the parts fit each other, as every published payment's do.
    pub fn check(&self) -> Result<(), InvalidPaymentInfo> {
        let (captured, refunded, status) = (self.captured_minor, self.refunded_minor, self.status);
        let captured_fits = match status {
            PaymentStatus::Captured | PaymentStatus::Refunded => (1..=self.amount.minor()).contains(&captured),
            PaymentStatus::Authorized | PaymentStatus::Voided | PaymentStatus::Declined => captured == 0,
        };
        let refunded_fits = match status {
            PaymentStatus::Captured => (0..captured).contains(&refunded),
            PaymentStatus::Refunded => refunded == captured,
            PaymentStatus::Authorized | PaymentStatus::Voided | PaymentStatus::Declined => refunded == 0,
        };
        if self.version == 0 {
            Err(InvalidPaymentInfo::Version)
        } else if !captured_fits {
            Err(InvalidPaymentInfo::Captured(status))
        } else if !refunded_fits {
            Err(InvalidPaymentInfo::Refunded(status))
        } else if self.decline.is_some() != (status == PaymentStatus::Declined) {
            Err(InvalidPaymentInfo::Decline)
        } else if self.updated_at < self.created_at {
            Err(InvalidPaymentInfo::UpdatedBeforeCreated)
        } else {
            Ok(())
        }
    }
}
