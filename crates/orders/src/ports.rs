//! What Orders needs of the world, one port for each need.

use async_trait::async_trait;
use payment_events::{OrderId, PaymentInfo, Timestamp};

use crate::{Order, QuarantinedRecord};

/// Orders' own copy of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentCopy {
    /// The payment as of the version that was copied.
    pub payment: PaymentInfo,
    /// When Orders stored it.
    pub stored_at: Timestamp,
}

impl PaymentCopy {
    /// How long it took from Payments to here, in milliseconds.
    pub fn lag_ms(&self) -> u64 {
        self.stored_at.ms_since(self.payment.updated_at)
    }
}

/// All that Orders knows under one order id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderView {
    /// The order, once it is placed.
    pub order: Option<Order>,
    /// The payments, by id; they may be there before the order.
    pub payments: Vec<PaymentCopy>,
}

/// What became of an attempt to store a new order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// The order was stored.
    New,
    /// There is one under its id already, which is unchanged.
    Known(Box<Order>),
}

/// What became of an attempt to replace an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// The new revision is stored.
    Done,
    /// The stored order is of another revision, or there is none. Nothing has changed.
    Lost,
}

/// What became of a payment to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is newer than what was there, and replaced it.
    Newer,
    /// What was there is as new or newer, and is unchanged.
    Stale,
}

/// The store did not answer, or answered what cannot be understood. Whether a write took effect is not known.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct StoreError {
    /// What was tried, with which table.
    pub context: String,
    /// Why it failed.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// The most orders that are asked for at once with [`OrderQueries::placed`]: what `DynamoDB` reads in one call.
pub const PLACED_AT_ONCE_MAX: usize = 100;

/// Where orders are kept.
#[async_trait]
pub trait OrderStore: Send + Sync {
    /// Stores an order whose id is free, in one write. MUST answer [`Inserted::Known`] with the stored order, and change
    /// nothing, when the id is taken.
    async fn insert(&self, order: &Order) -> Result<Inserted, StoreError>;

    /// Replaces the order that is stored as of `expected_revision`, in one write. MUST answer
    /// [`Replaced::Lost`], and change nothing, when the stored one is of another revision or there is none.
    async fn replace(&self, order: &Order, expected_revision: u64) -> Result<Replaced, StoreError>;
}

/// Where orders are read.
#[async_trait]
pub trait OrderQueries: Send + Sync {
    /// The order and its payments, by payment id. MUST see every write that was answered before this was asked, of the
    /// order as of the payments.
    async fn read(&self, order_id: &OrderId) -> Result<OrderView, StoreError>;

    /// Those of these orders that are placed, each once, in any order, without their payments. MUST see every write that
    /// was answered before this was asked. At most [`PLACED_AT_ONCE_MAX`] ids are asked for.
    async fn placed(&self, order_ids: &[OrderId]) -> Result<Vec<Order>, StoreError>;

    /// The payments of an order, by payment id, whether it is placed or not. MUST see every write that was answered before
    /// this was asked.
    async fn payments(&self, order_id: &OrderId) -> Result<Vec<PaymentCopy>, StoreError>;
}

/// Payments could not be asked, did not answer in time, or answered what cannot be used. Nothing has changed anywhere.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct LookupError {
    /// What was tried.
    pub context: String,
    /// When it makes sense to try again, in seconds from now: at least 1.
    pub retry_after_s: u16,
    /// Why it failed.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Where an order's payments are asked for while a request waits: Payments itself.
#[async_trait]
pub trait PaymentLookup: Send + Sync {
    /// Every payment of the order that Payments has decided on, in any order, each as of its newest version. MUST answer
    /// with all that Payments says or with an error, never with a part. MUST end within a bound of its own, whatever
    /// Payments does. A payment that was made a moment ago MAY be missing, as it may be with [`OrderQueries`].
    async fn payments_of(&self, order_id: &OrderId) -> Result<Vec<PaymentInfo>, LookupError>;
}

/// Where Orders' copies of payments are kept.
#[async_trait]
pub trait PaymentCopies: Send + Sync {
    /// Stores a copy, in one write. MUST answer [`Stored::Stale`], and change nothing, when the stored copy has this
    /// version or a higher one.
    async fn put_if_newer(&self, payment: &PaymentCopy) -> Result<Stored, StoreError>;
}

/// Where records are kept that cannot be read.
#[async_trait]
pub trait Quarantine: Send + Sync {
    /// Keeps the whole record. MUST be safe to repeat: one record is kept once, as it was first set aside.
    async fn set_aside(&self, record: &QuarantinedRecord) -> Result<(), StoreError>;
}
