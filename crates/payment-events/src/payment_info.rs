//! The payment that an event carries: its whole state as of one version.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::text::{json_string, string_schema};
use crate::{Money, OrderId, PaymentId, Timestamp};

/// Status of a published payment. Payments' internal status `processing` is never published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// The processor holds the amount for this order. Nothing is captured yet.
    Authorized,
    /// Captured in full or in part, and not refunded in full.
    Captured,
    /// The captured amount has been refunded in full.
    Refunded,
    /// The authorization was released before any capture.
    Voided,
    /// The processor declined the payment.
    Declined,
}

impl PaymentStatus {
    /// Every status, in lifecycle order.
    pub const ALL: [Self; 5] = [Self::Authorized, Self::Captured, Self::Refunded, Self::Voided, Self::Declined];

    /// Returns the status as it is on the wire.
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

/// The text is not a status of this contract.
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
    "description": "Status of a published payment.",
    "enum": Self::ALL.map(Self::as_str),
});

/// Reason for a decline, as given by the processor.
///
/// Payments cuts both texts to their maximum. A reader accepts longer ones, up to [`Decline::READ_BYTES_MAX`]: they were
/// valid before there was a maximum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decline {
    /// Stable code for programs, such as `insufficient_funds`.
    #[schemars(length(max = Self::CODE_LENGTH_MAX))]
    pub code: String,
    /// Text for people.
    #[schemars(length(max = Self::MESSAGE_LENGTH_MAX))]
    pub message: String,
}

impl Decline {
    /// Maximum length of a code, in characters.
    pub const CODE_LENGTH_MAX: usize = 64;
    /// Maximum length of a message, in characters.
    pub const MESSAGE_LENGTH_MAX: usize = 1_024;
    /// Maximum size of both texts that a reader accepts, in bytes. With it, a payment fits a `DynamoDB` item of 400 KB.
    pub const READ_BYTES_MAX: usize = 256 * 1_024;

    /// Returns the decline with both texts cut to their maximum.
    #[must_use]
    pub fn cut(self) -> Self {
        Self { code: cut(self.code, Self::CODE_LENGTH_MAX), message: cut(self.message, Self::MESSAGE_LENGTH_MAX) }
    }
}

fn cut(mut text: String, length_max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(length_max) {
        text.truncate(end);
    }
    text
}

/// The whole payment as of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentInfo {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Order that the payment is for.
    pub order_id: OrderId,
    /// Status as of this version.
    pub status: PaymentStatus,
    /// Amount requested. While the payment is authorized, the processor holds it.
    pub amount: Money,
    /// Amount captured, in minor units of `amount`'s currency: 0 to `amount`.
    #[schemars(range(min = 0, max = i64::MAX))]
    pub captured_minor: i64,
    /// Amount refunded, in minor units of `amount`'s currency: 0 to `captured_minor`.
    #[schemars(range(min = 0, max = i64::MAX))]
    pub refunded_minor: i64,
    /// Reason for the decline. Present if and only if `status` is `declined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<Decline>")]
    pub decline: Option<Decline>,
    /// 1, 2, 3 …: one for each published state, at most [`PaymentInfo::VERSION_MAX`]. The highest version wins.
    #[schemars(range(min = 1, max = Self::VERSION_MAX))]
    pub version: u64,
    /// Time at which the payment was accepted.
    pub created_at: Timestamp,
    /// Time at which this version was created.
    pub updated_at: Timestamp,
}

/// Reason why a payment's fields contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPaymentInfo {
    /// Outside 1 to [`PaymentInfo::VERSION_MAX`].
    #[error("version must be 1 to {}", PaymentInfo::VERSION_MAX)]
    Version,
    /// Outside 0 to `amount`, or inconsistent with the status.
    #[error("captured_minor is inconsistent with status {0}")]
    Captured(PaymentStatus),
    /// Outside 0 to `captured_minor`, or inconsistent with the status.
    #[error("refunded_minor is inconsistent with status {0}")]
    Refunded(PaymentStatus),
    /// A decline without status `declined`, or the reverse.
    #[error("decline must be present if and only if status is declined")]
    Decline,
    /// The version predates the payment.
    #[error("updated_at must not be before created_at")]
    UpdatedBeforeCreated,
    /// The transition cannot lead to this payment.
    #[error("transition is inconsistent with status {0} and the amounts")]
    Transition(PaymentStatus),
}

impl PaymentInfo {
    /// Maximum version: 2^53 - 1, the largest integer that every JSON reader has exactly (RFC 7493, section 2.2).
    pub const VERSION_MAX: u64 = (1 << 53) - 1;

    /// Checks that the fields are consistent with each other.
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
        if !(1..=Self::VERSION_MAX).contains(&self.version) {
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
