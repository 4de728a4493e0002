//! Ports of Payments, one per need.

use async_trait::async_trait;
use payment_events::{Money, OrderId, PaymentEvent, PaymentId};

use crate::{Outcome, Payment, PaymentRecord, PaymentToken, Refusal};

/// Outcome of [`PaymentStore::begin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The record was stored.
    New,
    /// The id is taken; nothing changed. The stored record may be this very request's: the SDK retries a put whose
    /// response was lost.
    Known(Box<PaymentRecord>),
}

/// Outcome of [`PaymentStore::replace`] and [`PaymentStore::refuse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// The write took effect.
    Done,
    /// Another write came first; nothing changed. Holds the stored record, which may be this very request's: the SDK
    /// retries a put whose response was lost.
    Lost(Box<PaymentRecord>),
    /// No record is stored; nothing changed.
    Missing,
}

/// The store failed, or returned an item that cannot be decoded. A write may or may not have taken effect.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct StoreError {
    /// Operation that failed, and the table.
    pub context: String,
    /// Cause of the failure.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Conditional writes of payment records.
#[async_trait]
pub trait PaymentStore: Send + Sync {
    /// Stores a new record, in one write. If the id is taken, MUST change nothing and return [`Begun::Known`] with the
    /// stored record.
    async fn begin(&self, record: &PaymentRecord) -> Result<Begun, StoreError>;

    /// Returns the record with this id. Strongly consistent.
    async fn load(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError>;

    /// Replaces `known` by `next`, in one write. If the stored record has another version, another lease holder or another
    /// number of refusals than `known`, MUST change nothing and return [`Replaced::Lost`] with the stored record.
    async fn replace(&self, known: &PaymentRecord, next: &PaymentRecord) -> Result<Replaced, StoreError>;

    /// Appends a refusal to the stored record, in one write, on the condition of [`replace`](Self::replace). MUST change
    /// nothing else, so that the write needs no event and sets back no position that was raised meanwhile.
    async fn refuse(&self, known: &PaymentRecord, refusal: &Refusal) -> Result<Replaced, StoreError>;
}

/// Part of the payments of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentsPage {
    /// Payments, sorted by id.
    pub payments: Vec<Payment>,
    /// Id after which the next page begins; `None` on the last page.
    pub next_after: Option<PaymentId>,
}

/// Maximum number of payments on a [`PaymentsPage`]: the keys of one `BatchGetItem`.
pub const PAGE_MAX: usize = 100;

/// Read access to payments.
#[async_trait]
pub trait PaymentQueries: Send + Sync {
    /// Returns the payment with this id. Strongly consistent.
    async fn find(&self, payment_id: &PaymentId) -> Result<Option<Payment>, StoreError>;

    /// Returns the payments of this order whose ids come after `after`, sorted by id, at most `limit` and
    /// [`PAGE_MAX`]. Each is strongly consistent, but a very recent one may be missing. A payment that exists from the
    /// first page to the last MUST be on exactly one of them.
    async fn find_by_order(
        &self,
        order_id: &OrderId,
        after: Option<&PaymentId>,
        limit: usize,
    ) -> Result<PaymentsPage, StoreError>;
}

/// The transactional outbox: the position of each payment, up to which its versions are on the hub.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Raises the position of a payment to this version, which is on the hub with all earlier ones. MUST change nothing
    /// if the payment does not exist, as an erased one would come back; if the position is that version or a higher one;
    /// or if the payment has not reached the version.
    async fn raise_position(&self, payment_id: &PaymentId, version: u64) -> Result<(), StoreError>;
}

/// Authorization request to the payment processor.
#[derive(Debug, Clone)]
pub struct Authorization<'a> {
    /// Id of the payment. All attempts send the same key, so that the processor holds the amount once.
    pub idempotency_key: &'a PaymentId,
    /// Amount to hold.
    pub amount: Money,
    /// Token of the card.
    pub token: &'a PaymentToken,
    /// Number of the attempt, from 1.
    pub attempt: u32,
}

/// The processor did not decide. It may or may not hold the amount. A retry with the same key is safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessorError {
    /// No response within this many milliseconds.
    #[error("the payment processor did not respond within {0} ms")]
    TimedOut(u64),
    /// The processor reported a failure.
    #[error("the payment processor failed: {0}")]
    Failed(String),
}

/// Record of an idempotency key at the payment processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessorRecord {
    /// No authorization with this key has reached the processor.
    Unknown,
    /// The processor works on the authorization. A later lookup returns its decision.
    Pending,
    /// The processor decided. If it approved, it holds the amount.
    Decided(Outcome),
    /// The key is void. Nothing is held.
    Voided,
}

/// The payment processor. Its calls MUST end within a bounded time, and charge once per idempotency key.
#[async_trait]
pub trait PaymentProcessor: Send + Sync {
    /// Requests a hold on the amount. A key that is void is declined.
    async fn authorize(&self, authorization: Authorization<'_>) -> Result<Outcome, ProcessorError>;

    /// Returns the record of this key.
    async fn look_up(&self, idempotency_key: &PaymentId) -> Result<ProcessorRecord, ProcessorError>;

    /// Makes a key void, and releases what is held under it. MUST also succeed for an unknown or void key. An
    /// authorization with the key that arrives later MUST be declined: a request that its sender gave up may still be on
    /// its way.
    async fn void(&self, idempotency_key: &PaymentId) -> Result<(), ProcessorError>;
}

/// An event was not acknowledged by the hub.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The event may not have reached the hub. Sending it again may succeed.
    #[error("could not publish an event")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The event is not on the hub, and the hub can never accept it, for instance because it is larger than the hub
    /// allows. A publisher MUST be certain: an event that is only refused at present is [`PublishError::Failed`].
    #[error("the hub can never accept this event")]
    Rejected(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Publisher to the hub. Its calls MUST end within a bounded time.
#[async_trait]
pub trait EventPublisher: Send + Sync {
    /// Sends one event, and returns when the hub has acknowledged it. Sending it again is harmless.
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError>;

    /// Sends events in as few calls as possible. Returns one result per event, in the order of `events`. MUST preserve
    /// the order of the events of each payment: MUST send one only when the hub has acknowledged the one before it, or
    /// together with it if the hub takes both or neither and keeps their order. MUST send none after one that failed or
    /// was rejected.
    async fn publish_all(&self, events: &[PaymentEvent]) -> Vec<Result<(), PublishError>>;
}
