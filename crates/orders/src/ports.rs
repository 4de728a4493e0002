//! Ports of Orders, one per need.

use async_trait::async_trait;
use payment_events::{OrderId, PaymentInfo, Timestamp};

use crate::Order;

/// A payment in the read model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentCopy {
    /// The payment in the version last stored.
    pub payment: PaymentInfo,
    /// Time at which Orders received this version, before it wrote it.
    pub received_at: Timestamp,
}

impl PaymentCopy {
    /// Returns how long the change took from Payments to Orders, in milliseconds, without the write to the read model.
    pub fn received_after_ms(&self) -> u64 {
        self.received_at.ms_since(self.payment.updated_at)
    }
}

/// Everything that Orders stores under one order id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderView {
    /// The order, if it is placed.
    pub order: Option<Order>,
    /// The payments, sorted by id, at most [`PAYMENTS_MAX`]. They may arrive before the order.
    pub payments: Vec<PaymentCopy>,
    /// Reason why `payments` is not all of them; `None` if it is.
    pub incomplete: Option<Incomplete>,
}

/// Reason why the payments of an order could not all be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incomplete {
    /// There are more than [`PAYMENTS_MAX`], or more bytes of them than one read may return.
    TooMany,
    /// The item of at least one payment cannot be decoded.
    Unreadable(Unacceptable),
}

/// The placed orders among those asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlacedOrders {
    /// Orders, unsorted, each once.
    pub orders: Vec<Order>,
    /// Orders whose item cannot be decoded, with the reason.
    pub unreadable: Vec<(OrderId, Unacceptable)>,
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

/// Failure of a store, by what a retry can do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store failed, or could not be reached or used. The cause may lie on either side: a timeout, throttling, a
    /// missing permission, a missing table. A write may have taken effect. A retry may succeed.
    #[error("{context}")]
    Unavailable {
        /// The operation and the table.
        context: String,
        /// Cause of the failure.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// This item cannot be stored or decoded, whereas others can. Nothing changed. Only another item, or another
    /// version of this program, can change that.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
}

/// The verdict that a record or an item can never be processed as it is: its size, a range, or its encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unacceptable {
    /// The rule that is violated. May quote the record or the item, so it must not be logged.
    pub reason: String,
}

impl Unacceptable {
    /// Creates the verdict.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// Maximum number of payments that settlement considers per order. Up to it, settlement is exact. With more, an order
/// is accepted if the payments read cover it, and otherwise keeps its status.
pub const PAYMENTS_MAX: usize = 1_000;

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
    /// payments, that completed before the call. MUST return [`StoreError::Unacceptable`] if the order's item cannot be
    /// decoded; payments that cannot only make the view incomplete.
    async fn read(&self, order_id: &OrderId) -> Result<OrderView, StoreError>;

    /// Returns the placed ones of these orders, without their payments. MUST see every write that completed before the
    /// call. An item that cannot be decoded MUST NOT hide the others. Accepts at most [`PLACED_AT_ONCE_MAX`] ids.
    async fn placed(&self, order_ids: &[OrderId]) -> Result<PlacedOrders, StoreError>;

    /// Returns the payments of an order, placed or not, sorted by payment id, without the order. MUST see every write
    /// that completed before the call.
    async fn payments(&self, order_id: &OrderId) -> Result<OrderView, StoreError>;
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

/// Payments of an order, as Payments returned them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookedUp {
    /// Payments that are no longer processing, unsorted, each once and in its newest version. At most
    /// [`PAYMENTS_MAX`].
    pub payments: Vec<PaymentInfo>,
    /// True if the order has more payments than these.
    pub has_more: bool,
}

/// Synchronous read of an order's payments from Payments.
#[async_trait]
pub trait PaymentLookup: Send + Sync {
    /// Returns every payment of the order, or as many as settlement considers. MUST NOT leave a payment out without
    /// saying so in [`LookedUp::has_more`]: a failure on the way is an error. MUST return within a bound of its own,
    /// however Payments behaves. A payment made a moment ago MAY be missing.
    async fn payments_of(&self, order_id: &OrderId) -> Result<LookedUp, LookupError>;
}

/// Part of the payments of an order in the read model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentsPage {
    /// Payments, sorted by id.
    pub payments: Vec<PaymentCopy>,
    /// Number of payments of this page that are left out, because their item cannot be decoded.
    pub unreadable: usize,
    /// Key after which the next page begins: usually a payment id. `None` on the last page.
    pub next_after: Option<String>,
}

/// Strongly consistent reads of the payments of an order in pages, without a limit on their number.
#[async_trait]
pub trait PaymentPages: Send + Sync {
    /// Returns the payments of an order, placed or not, whose ids come after `after`, sorted by id, at most `limit`. A
    /// page MAY be shorter, even if there are more. A payment that exists from the first page to the last MUST be on
    /// exactly one of them, unless it is unreadable.
    async fn page(&self, order_id: &OrderId, after: Option<&str>, limit: usize) -> Result<PaymentsPage, StoreError>;
}

/// Conditional writes of payments to the read model.
#[async_trait]
pub trait PaymentCopies: Send + Sync {
    /// Stores a payment in one write. MUST return [`Stored::Stale`], and change nothing, if the stored version is the
    /// same or higher. MUST return [`StoreError::Unacceptable`] only if other payments can be stored.
    async fn put_if_newer(&self, payment: &PaymentCopy) -> Result<Stored, StoreError>;
}
