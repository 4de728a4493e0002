//! What Payments needs of the world, one port for each need.

use async_trait::async_trait;
use payment_events::{Money, OrderId, PaymentEvent, PaymentId};

use crate::{Outcome, Payment, PaymentRecord, PaymentToken};

/// What became of an attempt to begin a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The record was stored.
    New,
    /// There is one under its id already, which is unchanged. It may be our own, where a first try took effect and its
    /// answer was lost.
    Known(Box<PaymentRecord>),
}

/// What became of an attempt to replace a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// The new record is stored.
    Done,
    /// Another write came first: this is what is stored now, unchanged. It may be our own, where a first try took effect
    /// and its answer was lost.
    Lost(Box<PaymentRecord>),
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

/// Where payments are made and changed.
#[async_trait]
pub trait PaymentStore: Send + Sync {
    /// Stores a record whose id is free, in one write. MUST answer [`Begun::Known`] with the stored record, and change
    /// nothing, when the id is taken.
    async fn begin(&self, record: &PaymentRecord) -> Result<Begun, StoreError>;

    /// The record with this id, as of the last write.
    async fn load(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError>;

    /// Replaces `known` by `next`, in one write. MUST answer [`Replaced::Lost`] with the stored record, and change
    /// nothing, when that one has another version or another holder of its lease than `known`. MUST fail where nothing
    /// is stored.
    async fn replace(&self, known: &PaymentRecord, next: &PaymentRecord) -> Result<Replaced, StoreError>;
}

/// Where payments are read.
#[async_trait]
pub trait PaymentQueries: Send + Sync {
    /// The payment with this id, as of the last write.
    async fn find(&self, payment_id: &PaymentId) -> Result<Option<Payment>, StoreError>;

    /// The payments of this order, oldest first, each as of its last write; one made in the last moment may be missing.
    async fn find_by_order(&self, order_id: &OrderId) -> Result<Vec<Payment>, StoreError>;
}

/// Where it is kept which payments have yet to be published.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Notes that this version is published. MUST change nothing when the payment has a higher version by now: that one
    /// is not published yet.
    async fn mark_published(&self, payment_id: &PaymentId, version: u64) -> Result<(), StoreError>;
}

/// What a processor is asked to authorize.
#[derive(Debug, Clone)]
pub struct Authorization<'a> {
    /// The same for every attempt at one payment, so that the processor charges once.
    pub idempotency_key: &'a PaymentId,
    /// How much.
    pub amount: Money,
    /// With what.
    pub token: &'a PaymentToken,
    /// 1, 2, 3 …: which attempt this is.
    pub attempt: u32,
}

/// The processor gave no answer; whether it holds the amount is not known, and asking again under the same key is safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessorError {
    /// No answer in time.
    #[error("the payment processor did not answer within {0} ms")]
    TimedOut(u64),
    /// It failed.
    #[error("the payment processor failed: {0}")]
    Failed(String),
}

/// Who moves the money. MUST answer within a bounded time, and charge once for one idempotency key.
#[async_trait]
pub trait PaymentProcessor: Send + Sync {
    /// Asks to hold the amount.
    async fn authorize(&self, authorization: Authorization<'_>) -> Result<Outcome, ProcessorError>;
}

/// The event did not reach the stream, or it is not known whether it did.
#[derive(Debug, thiserror::Error)]
#[error("an event could not be published")]
pub struct PublishError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// How events reach the stream. MUST answer within a bounded time.
#[async_trait]
pub trait EventPublisher: Send + Sync {
    /// Sends one event; sending it twice does no harm.
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError>;

    /// Sends many with as few calls as it can, and answers for each in its place. MUST keep the order of events with the
    /// same partition key: none is sent after an earlier one failed.
    async fn publish_all(&self, events: &[PaymentEvent]) -> Vec<Result<(), PublishError>>;
}
