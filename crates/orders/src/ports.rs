//! Ports of Orders, one per need.

use async_trait::async_trait;
use payment_events::{OrderId, PaymentInfo, Timestamp};

use crate::{Order, QuarantinedRecord};

/// A payment in the read model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentCopy {
    /// The payment in the version last stored.
    pub payment: PaymentInfo,
    /// Time at which Orders stored it.
    pub stored_at: Timestamp,
}

impl PaymentCopy {
    /// Returns the projection lag in milliseconds: from the change in Payments to the write in Orders.
    pub fn lag_ms(&self) -> u64 {
        self.stored_at.ms_since(self.payment.updated_at)
    }
}

/// Everything that Orders stores under one order id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderView {
    /// The order, if it is placed.
    pub order: Option<Order>,
    /// The payments, sorted by id. They may arrive before the order.
    pub payments: Vec<PaymentCopy>,
}

/// Outcome of [`OrderStore::insert`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// The order was stored.
    New,
    /// The id is taken; nothing changed. Holds the stored order.
    Known(Box<Order>),
}

/// Outcome of [`OrderStore::replace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// The new revision was stored.
    Done,
    /// The stored order has another revision, or does not exist. Nothing changed.
    Lost,
}

/// Outcome of [`PaymentCopies::put_if_newer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// The payment was new, or replaced an older version.
    Newer,
    /// The stored version is the same or newer. Nothing changed.
    Stale,
}

/// The store did not respond, or its response could not be decoded. A write may have taken effect.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct StoreError {
    /// The operation and the table.
    pub context: String,
    /// Cause of the failure.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Maximum number of ids per [`OrderQueries::placed`]: the limit of `DynamoDB`'s `BatchGetItem`.
pub const PLACED_AT_ONCE_MAX: usize = 100;

/// Conditional writes of orders.
#[async_trait]
pub trait OrderStore: Send + Sync {
    /// Stores a new order in one write. MUST return [`Inserted::Known`] with the stored order, and change nothing, if
    /// the id is taken.
    async fn insert(&self, order: &Order) -> Result<Inserted, StoreError>;

    /// Replaces the order stored at `expected_revision` in one write. MUST return [`Replaced::Lost`], and change
    /// nothing, if the stored order has another revision or does not exist.
    async fn replace(&self, order: &Order, expected_revision: u64) -> Result<Replaced, StoreError>;
}

/// Strongly consistent reads of orders and their payments.
#[async_trait]
pub trait OrderQueries: Send + Sync {
    /// Returns the order and its payments, sorted by payment id. MUST see every write, of the order and of the
    /// payments, that completed before the call.
    async fn read(&self, order_id: &OrderId) -> Result<OrderView, StoreError>;

    /// Returns the placed ones of these orders, each once, unsorted, without their payments. MUST see every write that
    /// completed before the call. Accepts at most [`PLACED_AT_ONCE_MAX`] ids.
    async fn placed(&self, order_ids: &[OrderId]) -> Result<Vec<Order>, StoreError>;

    /// Returns the payments of an order, placed or not, sorted by payment id. MUST see every write that completed
    /// before the call.
    async fn payments(&self, order_id: &OrderId) -> Result<Vec<PaymentCopy>, StoreError>;
}

/// The call to Payments failed, timed out, or returned an unusable response. Nothing has changed anywhere.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct LookupError {
    /// The operation that failed.
    pub context: String,
    /// Time after which a retry makes sense, in seconds from now: at least 1.
    pub retry_after_s: u16,
    /// Cause of the failure.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Synchronous read of an order's payments from Payments.
#[async_trait]
pub trait PaymentLookup: Send + Sync {
    /// Returns every payment of the order that is no longer processing, unsorted, each in its newest version. MUST
    /// return the complete list or an error, never a part. MUST return within a bound of its own, however Payments
    /// behaves. A payment made a moment ago MAY be missing, as in [`OrderQueries`].
    async fn payments_of(&self, order_id: &OrderId) -> Result<Vec<PaymentInfo>, LookupError>;
}

/// Conditional writes of payments to the read model.
#[async_trait]
pub trait PaymentCopies: Send + Sync {
    /// Stores a payment in one write. MUST return [`Stored::Stale`], and change nothing, if the stored version is the
    /// same or higher.
    async fn put_if_newer(&self, payment: &PaymentCopy) -> Result<Stored, StoreError>;
}

/// Storage of undecodable records.
#[async_trait]
pub trait Quarantine: Send + Sync {
    /// Stores the whole record. MUST be idempotent: a record is stored once, as it was first quarantined.
    async fn set_aside(&self, record: &QuarantinedRecord) -> Result<(), StoreError>;
}
