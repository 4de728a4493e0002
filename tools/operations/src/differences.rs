//! Payment states that are compared, and the classes of differences between them.

use std::hash::{DefaultHasher, Hash, Hasher};

use orders::PaymentCopy;
use payment_events::{OrderId, PaymentId, PaymentInfo, Timestamp};
use payments::{PaymentRecord, Status};
use serde::Serialize;

use crate::undecided::{UNDECIDED_AFTER_MS, lease_end};

/// Hash of a payment's contract fields at one version. Equal digests mean equal content, except for one pair in 2⁶⁴.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// Hashes this content.
    pub fn of(payment: &PaymentInfo) -> Self {
        let mut hasher = DefaultHasher::new();
        // All fields are strings and numbers, so serialization cannot fail.
        serde_json::to_vec(payment).unwrap_or_default().hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// State of a payment in Payments, reduced to what is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The order it pays for.
    pub order_id: OrderId,
    /// Payment compared.
    pub payment_id: PaymentId,
    /// Current version; 0 while it is processing and has not been published.
    pub version: u64,
    /// Digest of its content; `None` while it is processing.
    pub digest: Option<Digest>,
    /// True if its outbox position is below the version.
    pub unpublished: bool,
    /// Time at which this version was created.
    pub updated_at: Timestamp,
    /// End of the lease of the request that works on the payment; `None` once it is decided.
    pub lease_end: Option<Timestamp>,
}

impl Truth {
    /// Returns true if the payment is processing, and nothing works on it any more.
    pub(crate) fn is_undecided(&self, now: Timestamp) -> bool {
        self.lease_end.is_some_and(|end| now.ms_since(end) > UNDECIDED_AFTER_MS)
    }
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
            unpublished: record.is_due(),
            updated_at: payment.updated_at,
            lease_end: lease_end(record, Timestamp::now()),
        }
    }
}

/// State of Orders' copy, reduced to what is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyState {
    /// Version of the payment in the copy.
    pub version: u64,
    /// Digest of its content.
    pub digest: Digest,
}

impl From<&PaymentCopy> for CopyState {
    fn from(copy: &PaymentCopy) -> Self {
        Self { version: copy.payment.version, digest: Digest::of(&copy.payment) }
    }
}

impl Difference {
    /// Classifies a payment with versions after its outbox position by its copy alone: the position is not of this hub.
    pub(crate) fn ignore_position(&mut self) {
        if self.class == DifferenceClass::Unpublished {
            self.class = if self.orders_version.is_some() { DifferenceClass::Stale } else { DifferenceClass::Missing };
        }
    }
}

/// Class of a difference between the two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceClass {
    /// Orders has no copy.
    Missing,
    /// Orders' copy has an earlier version.
    Stale,
    /// Orders has no copy or an earlier version, and Payments still has the outbox mark: publication is being retried.
    Unpublished,
    /// Payments has been processing it for longer than [`UNDECIDED_AFTER_MS`] after the end of its lease. Its client gave it
    /// up, and the recovery failed to decide it.
    Undecided,
    /// Orders' copy has the same version and different content.
    Different,
    /// Orders' copy has a later version: the payments table was restored to an earlier time.
    Ahead,
    /// Orders has a copy under an order for which Payments has no such payment: the payments table was restored, items were
    /// deleted, or the copy belongs to another order.
    Orphaned,
}

impl DifferenceClass {
    /// Every class, repairable ones first.
    pub const ALL: [Self; 7] =
        [Self::Missing, Self::Stale, Self::Unpublished, Self::Undecided, Self::Different, Self::Ahead, Self::Orphaned];

    /// True if publishing the payment again repairs it, or a request for its recovery does.
    pub fn is_repairable(self) -> bool {
        matches!(self, Self::Missing | Self::Stale | Self::Unpublished | Self::Undecided | Self::Different)
    }

    /// Name of the class in output and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Unpublished => "unpublished",
            Self::Undecided => "undecided",
            Self::Different => "different",
            Self::Ahead => "ahead",
            Self::Orphaned => "orphaned",
        }
    }
}

/// A payment on which the two services differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Class of the difference.
    pub class: DifferenceClass,
    /// The order it pays for.
    pub order_id: OrderId,
    /// Payment that differs.
    pub payment_id: PaymentId,
    /// Version in Payments.
    pub payments_version: Option<u64>,
    /// Version of Orders' copy.
    pub orders_version: Option<u64>,
    /// True if its outbox position is below the version: the version may never have been published.
    pub unpublished: bool,
    /// Time of Payments' version.
    pub updated_at: Option<Timestamp>,
    /// Order for which Payments has the payment, if the copy is orphaned because it is stored under another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub belongs_to: Option<OrderId>,
}

/// Table of an item that could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnreadableSide {
    /// The payments table.
    Payments,
    /// The orders table.
    Orders,
}

/// An item that could not be decoded, and was therefore not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Table that holds it.
    pub side: UnreadableSide,
    /// Key of the item: a payment id, or `<order id>/<sort key>`.
    pub key: String,
    /// Decoding error.
    pub reason: String,
}
