//! Accepting a payment: made once, however often it is asked for.

use std::sync::Arc;

use payment_events::Timestamp;

use crate::{
    Action, Authorization, Begun, Lease, Outcome, Payment, PaymentProcessor, PaymentRecord, PaymentRequest,
    PaymentStore, ProcessorError, Publication, Published, Replaced, RequestKey, Status, Step, StoreError,
};

/// The use case behind `POST /payments`.
#[derive(Clone)]
pub struct AcceptPayment {
    store: Arc<dyn PaymentStore>,
    processor: Arc<dyn PaymentProcessor>,
    publication: Publication,
    lease_ms: u64,
}

/// A payment that is decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The payment, as it was decided.
    pub payment: Payment,
    /// What became of publishing it; nothing where an earlier request made it.
    pub published: Option<Published>,
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
    /// The payment does not go where the processor's answer leads, or not where it has been: a defect.
    #[error("a payment could not be made: {0}")]
    Defect(String),
}

impl AcceptPayment {
    /// Accepts into `store`, asks `processor`, makes known through `publication`.
    ///
    /// `lease_ms` is how long one request may work on a payment before a retry takes over, in milliseconds. It should be
    /// the function's own timeout, after which nobody works on it any more. A shorter one costs a second question to the
    /// processor, under the same key, and no second charge.
    pub fn new(
        store: Arc<dyn PaymentStore>,
        processor: Arc<dyn PaymentProcessor>,
        publication: Publication,
        lease_ms: u64,
    ) -> Self {
        Self { store, processor, publication, lease_ms }
    }

    /// Makes the payment, finishes it for a request that could not, or answers as the request that made it was answered.
    pub async fn accept(&self, request: &PaymentRequest) -> Result<Accepted, AcceptError> {
        let payment_id = request.payment_id().map_err(|error| defect(&error))?;
        let record = PaymentRecord::begin(request, payment_id, self.lease(1), Timestamp::now());
        match self.store.begin(&record).await? {
            Begun::New => self.process(record, request).await,
            Begun::Known(known) if known.fingerprint != record.fingerprint => Err(AcceptError::KeyReused),
            Begun::Known(known) if known.includes(&record) => self.process(record, request).await,
            Begun::Known(known) => self.resume(*known, request).await,
        }
    }

    /// The right to work on a payment from now on.
    fn lease(&self, attempt: u32) -> Lease {
        Lease { until: Timestamp::now().plus_ms(self.lease_ms), attempt, holder: RequestKey::random() }
    }

    /// Answers as the request that made the payment was answered, or takes over from one that has not ended in time.
    async fn resume(&self, known: PaymentRecord, request: &PaymentRequest) -> Result<Accepted, AcceptError> {
        let retry_after_ms = known.lease.until.ms_since(Timestamp::now());
        if known.payment.status != Status::Processing || retry_after_ms > 0 {
            return answer_of(&known);
        }
        let record = PaymentRecord { lease: self.lease(known.lease.attempt.saturating_add(1)), ..known.clone() };
        match self.store.replace(&known, &record).await? {
            Replaced::Lost(stored) if !stored.includes(&record) => answer_of(&stored),
            Replaced::Done | Replaced::Lost(_) => self.process(record, request).await,
        }
    }

    /// Asks the processor, stores its answer together with the mark, and makes it known.
    async fn process(&self, record: PaymentRecord, request: &PaymentRequest) -> Result<Accepted, AcceptError> {
        let authorization = Authorization {
            idempotency_key: &record.payment.payment_id,
            amount: record.payment.amount,
            token: &request.token,
            attempt: record.lease.attempt,
        };
        let outcome = match self.processor.authorize(authorization).await {
            Ok(outcome) => outcome,
            Err(error) => {
                self.give_up_lease(&record).await;
                return Err(error.into());
            }
        };
        let decided = decide(&record, outcome)?;
        match self.store.replace(&record, &decided).await? {
            // Another request took over meanwhile. It asked the processor under the same key, and so decides the same.
            Replaced::Lost(stored) if !stored.includes(&decided) => answer_of(&stored),
            Replaced::Done | Replaced::Lost(_) => {
                let published = self.publication.publish(&decided.payment).await;
                Ok(Accepted { payment: decided.payment, published: Some(published) })
            }
        }
    }

    /// Lets the next request take over at once. If this fails, it has to wait for the lease to run out.
    async fn give_up_lease(&self, record: &PaymentRecord) {
        let lease = Lease { until: Timestamp::now(), ..record.lease.clone() };
        let released = self.store.replace(record, &PaymentRecord { lease, ..record.clone() }).await;
        if let Err(error) = released {
            tracing::warn!(%error, source = %error.source, "a lease could not be given up, it runs out by itself");
        }
    }
}

/// What somebody else's request made of the payment, or when that will be known.
fn answer_of(stored: &PaymentRecord) -> Result<Accepted, AcceptError> {
    if stored.payment.status == Status::Processing {
        return Err(AcceptError::InProgress { retry_after_ms: stored.lease.until.ms_since(Timestamp::now()) });
    }
    // The first answer again, whatever became of the payment since.
    let payment = stored.as_of(1).map_err(|error| defect(&error))?;
    Ok(Accepted { payment, published: None })
}

fn decide(record: &PaymentRecord, outcome: Outcome) -> Result<PaymentRecord, AcceptError> {
    let step = Step { key: record.lease.holder.clone(), action: Action::Decide(outcome), at: Timestamp::now() };
    record.after(step, record.payment.trace_parent.clone()).map_err(|error| defect(&error))
}

fn defect(error: &dyn std::error::Error) -> AcceptError {
    AcceptError::Defect(error.to_string())
}
