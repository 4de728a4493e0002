//! What two sides are compared by, and what may be wrong between them.

use std::hash::{DefaultHasher, Hash, Hasher};

use orders::PaymentCopy;
use payment_events::{OrderId, PaymentId, PaymentInfo, Timestamp};
use payments::{PaymentRecord, Status};
use serde::Serialize;

/// A hash of all that the contract says of a payment as of one version. Equal ones mean equal content, but for one case
/// in 2⁶⁴.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// Of this content.
    pub fn of(payment: &PaymentInfo) -> Self {
        let mut hasher = DefaultHasher::new();
        // A payment's members are all strings and numbers, so that writing it cannot fail.
        serde_json::to_vec(payment).unwrap_or_default().hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// A payment as Payments has it, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The order it pays for.
    pub order_id: OrderId,
    /// Which payment.
    pub payment_id: PaymentId,
    /// 0 while it is processing, and so nobody else's to know.
    pub version: u64,
    /// Of its content; none while it is processing.
    pub digest: Option<Digest>,
    /// Whether it is still marked as unpublished.
    pub unpublished: bool,
    /// When this version came about.
    pub updated_at: Timestamp,
}

impl From<&PaymentRecord> for Truth {
    fn from(record: &PaymentRecord) -> Self {
        let payment = &record.payment;
        let event = payment.event().and_then(Result::ok);
        Self {
            order_id: payment.order_id.clone(),
            payment_id: payment.payment_id.clone(),
            version: if payment.status == Status::Processing { 0 } else { payment.version },
            digest: event.map(|event| Digest::of(event.payment())),
            unpublished: record.unpublished,
            updated_at: payment.updated_at,
        }
    }
}

/// A copy as Orders has it, as far as it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyState {
    /// The version that was copied.
    pub version: u64,
    /// Of its content.
    pub digest: Digest,
}

impl From<&PaymentCopy> for CopyState {
    fn from(copy: &PaymentCopy) -> Self {
        Self { version: copy.payment.version, digest: Digest::of(&copy.payment) }
    }
}

/// What is wrong between the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceClass {
    /// Orders has no copy.
    Missing,
    /// Orders' copy is of an earlier version.
    Stale,
    /// Orders' copy has the same version and says something else.
    Different,
    /// Orders' copy is of a later version than Payments has: Payments' table has been restored.
    Ahead,
    /// Orders has a copy of a payment that Payments does not have: Payments' table has been restored, or lost items.
    Orphaned,
}

impl DifferenceClass {
    /// Every class, those that publishing mends first.
    pub const ALL: [Self; 5] = [Self::Missing, Self::Stale, Self::Different, Self::Ahead, Self::Orphaned];

    /// Whether publishing what Payments has mends it.
    pub fn is_repairable(self) -> bool {
        matches!(self, Self::Missing | Self::Stale | Self::Different)
    }

    /// The class in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Different => "different",
            Self::Ahead => "ahead",
            Self::Orphaned => "orphaned",
        }
    }
}

/// A payment that the two sides do not agree on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What is wrong.
    pub class: DifferenceClass,
    /// The order it pays for.
    pub order_id: OrderId,
    /// Which payment.
    pub payment_id: PaymentId,
    /// The version that Payments has.
    pub payments_version: Option<u64>,
    /// The version that Orders has.
    pub orders_version: Option<u64>,
    /// Whether Payments still has it marked as unpublished: then nobody could have told Orders yet.
    pub unpublished: bool,
    /// When Payments' version came about.
    pub updated_at: Option<Timestamp>,
}

/// Whose item it is that cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnreadableSide {
    /// An item of the payments table.
    Payments,
    /// An item of the orders table.
    Orders,
}

/// An item that cannot be understood, and so not be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Whose it is.
    pub side: UnreadableSide,
    /// Its key: a payment's id, or `<order id>/<sort key>`.
    pub key: String,
    /// Why.
    pub reason: String,
}
