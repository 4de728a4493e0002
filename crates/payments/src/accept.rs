//! Accepting a payment: made once, however often it is asked for.

use std::sync::Arc;

use payment_events::Timestamp;

use crate::{
    Authorization, Begun, Lease, Outcome, Payment, PaymentProcessor, PaymentRecord, PaymentRequest, PaymentStore,
    ProcessorError, Publication, Status, StoreError,
};

/// How long one request may work on a payment before a retry takes over, in milliseconds: the function's own timeout,
/// after which nobody works on it any more.
pub const LEASE_MS: u64 = 10_000;

/// The use case behind `POST /payments`.
#[derive(Clone)]
pub struct AcceptPayment {
    store: Arc<dyn PaymentStore>,
    processor: Arc<dyn PaymentProcessor>,
    publication: Publication,
}

/// A payment that is decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The payment.
    pub payment: Payment,
    /// Whether an earlier request made it.
    pub replayed: bool,
}

/// Why there is no answer about the payment yet.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// An earlier request used the key for something else.
    #[error("the idempotency key was used for a different payment")]
    KeyReused,
    /// An earlier request with this key is still at work.
    #[error("a request with this idempotency key is still at work")]
    InProgress {
        /// When it will be done or given up, in milliseconds from now.
        retry_after_ms: u64,
    },
    /// The processor gave no answer. The payment is kept, and the same request again finishes it.
    #[error(transparent)]
    Processor(#[from] ProcessorError),
    /// The store gave no answer. The same request again is safe.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The payment does not go where the processor's answer leads: a defect.
    #[error("a payment could not be made: {0}")]
    Defect(String),
}

impl AcceptPayment {
    /// Accepts into `store`, asks `processor`, makes known through `publication`.
    pub fn new(store: Arc<dyn PaymentStore>, processor: Arc<dyn PaymentProcessor>, publication: Publication) -> Self {
        Self { store, processor, publication }
    }

    /// Makes the payment, finishes it for a request that could not, or answers with the one that was made.
    pub async fn accept(&self, request: &PaymentRequest) -> Result<Accepted, AcceptError> {
        let record = begin(request, Timestamp::now())?;
        match self.store.begin(&record).await? {
            Begun::New => self.process(record, request).await,
            Begun::Known(known) if known.fingerprint != record.fingerprint => Err(AcceptError::KeyReused),
            Begun::Known(known) if known.payment.status == Status::Processing => self.resume(*known, request).await,
            Begun::Known(known) => Ok(Accepted { payment: known.payment, replayed: true }),
        }
    }

    /// Takes over from a request that has not finished in time.
    async fn resume(&self, known: PaymentRecord, request: &PaymentRequest) -> Result<Accepted, AcceptError> {
        let now = Timestamp::now();
        let retry_after_ms = known.lease.until.ms_since(now);
        if retry_after_ms > 0 {
            return Err(AcceptError::InProgress { retry_after_ms });
        }
        let attempt = known.lease.attempt;
        let lease = Lease { until: now.plus_ms(LEASE_MS), attempt: attempt.saturating_add(1) };
        let record = PaymentRecord { lease, ..known };
        if self.store.replace(attempt, &record).await? {
            self.process(record, request).await
        } else {
            Err(AcceptError::InProgress { retry_after_ms: LEASE_MS })
        }
    }

    /// Asks the processor, stores its answer together with the mark, and makes it known.
    async fn process(&self, record: PaymentRecord, request: &PaymentRequest) -> Result<Accepted, AcceptError> {
        let attempt = record.lease.attempt;
        let outcome = self
            .processor
            .authorize(Authorization {
                idempotency_key: &record.payment.payment_id,
                amount: record.payment.amount,
                token: &request.token,
                attempt,
            })
            .await;
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                self.give_up_lease(record).await;
                return Err(error.into());
            }
        };
        let decided = settle(record, outcome)?;
        if !self.store.replace(attempt, &decided).await? {
            // Another request took over meanwhile and decides; it asks the processor under the same key.
            return Err(AcceptError::InProgress { retry_after_ms: LEASE_MS });
        }
        self.publication.publish(&decided.payment).await;
        Ok(Accepted { payment: decided.payment, replayed: false })
    }

    /// Lets the next request take over at once. If this fails, it has to wait for the lease to run out.
    async fn give_up_lease(&self, record: PaymentRecord) {
        let lease = Lease { until: Timestamp::now(), ..record.lease };
        let released = self.store.replace(lease.attempt, &PaymentRecord { lease, ..record }).await;
        if let Err(error) = released {
            tracing::warn!(%error, source = %error.source, "a lease could not be given up, it runs out by itself");
        }
    }
}

fn begin(request: &PaymentRequest, now: Timestamp) -> Result<PaymentRecord, AcceptError> {
    let payment_id = request.payment_id().map_err(|error| AcceptError::Defect(error.to_string()))?;
    let (order_id, trace_parent) = (request.order_id.clone(), request.trace_parent.clone());
    Ok(PaymentRecord {
        payment: Payment::begin(payment_id, order_id, request.amount, trace_parent, now),
        fingerprint: request.fingerprint(),
        lease: Lease { until: now.plus_ms(LEASE_MS), attempt: 1 },
        unpublished: false,
    })
}

fn settle(record: PaymentRecord, outcome: Outcome) -> Result<PaymentRecord, AcceptError> {
    let now = Timestamp::now();
    let payment = match outcome {
        Outcome::Approved => record.payment.authorize(now),
        Outcome::Declined(decline) => record.payment.decline(decline, now),
    };
    let payment = payment.map_err(|error| AcceptError::Defect(error.to_string()))?;
    Ok(PaymentRecord { payment, unpublished: true, ..record })
}
