//! Accepting a payment, once per caller and idempotency key.

use std::sync::Arc;

use payment_events::{CurrencyNotInUse, PaymentId, Timestamp};

use crate::decision::{Decider, Decision, UndecidedReason, Written, write};
use crate::{
    Authorization, Begun, Lease, Payment, PaymentProcessor, PaymentRecord, PaymentRequest, PaymentStore,
    ProcessorError, PublishMode, Published, RequestKey, Status, StoreError,
};

/// The use case behind `POST /payments`.
#[derive(Clone)]
pub struct AcceptPayment {
    store: Arc<dyn PaymentStore>,
    processor: Arc<dyn PaymentProcessor>,
    decider: Decider,
    publish_mode: PublishMode,
    lease_ms: u64,
}

/// Outcome of [`AcceptPayment::accept`]: a payment that the processor approved or declined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The payment as of version 1, the processor's decision.
    pub payment: Payment,
    /// Outcome of the publish. `None` if an earlier request made the payment.
    pub published: Option<Published>,
}

/// Reason why a payment was not accepted, or not yet.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// An earlier request used the key with a different body.
    #[error("the idempotency key was used for a different payment")]
    KeyReused,
    /// An earlier request with this key is still in progress.
    ///
    /// It may finish at any moment, so a retry may succeed at any moment. If it was interrupted, a retry succeeds when
    /// its lease has expired.
    #[error("a request with this idempotency key is still in progress")]
    InProgress,
    /// The processor did not decide. The payment stays stored as processing, and a retry of the request completes it.
    #[error("{error}")]
    Processor {
        /// Failure of the processor.
        #[source]
        error: ProcessorError,
        /// Earliest time at which a retry can take over, in milliseconds from now. 0 if the lease was released.
        retry_after_ms: u64,
    },
    /// The store failed. The payment may or may not have been made. A retry of the request is safe.
    #[error("{error}")]
    Store {
        /// Failure of the store.
        #[source]
        error: StoreError,
        /// Earliest time at which a retry can take over, in milliseconds from now. 0 if the lease was released.
        retry_after_ms: u64,
    },
    /// The request would make a new payment in a currency that is not in use. Nothing was stored.
    #[error(transparent)]
    Currency(#[from] CurrencyNotInUse),
    /// The record allows no such step, or its steps do not reproduce the payment. A bug.
    #[error("payment processing failed: {0}")]
    Defect(String),
}

impl AcceptPayment {
    /// Creates the use case. It stores in `store`, authorizes with `processor` and publishes by `publish_mode`.
    ///
    /// `lease_ms` is the time that one request may work on a payment before a retry takes over, in milliseconds. Set it
    /// to the function's timeout, after which the request cannot be running any more. A shorter lease can cost a second
    /// call to the processor, but no second charge, because the idempotency key is the same.
    pub fn new(
        store: Arc<dyn PaymentStore>,
        processor: Arc<dyn PaymentProcessor>,
        publish_mode: PublishMode,
        lease_ms: u64,
    ) -> Self {
        let decider = Decider::new(store.clone(), processor.clone());
        Self { store, processor, decider, publish_mode, lease_ms }
    }

    /// Makes the payment, completes it for an earlier request that failed, or returns the result of the request that
    /// made it.
    pub async fn accept(&self, request: &PaymentRequest) -> Result<Accepted, AcceptError> {
        let payment_id = request.payment_id().map_err(|error| defect(&error))?;
        self.check_currency(request, &payment_id).await?;
        let record = PaymentRecord::begin(request, payment_id, self.lease(1), Timestamp::now());
        match self.store.begin(&record).await {
            Ok(Begun::New) => self.process(record, request).await,
            Ok(Begun::Known(known)) if known.fingerprint != record.fingerprint => Err(AcceptError::KeyReused),
            Ok(Begun::Known(known)) if known.includes(&record) => self.process(record, request).await,
            Ok(Begun::Known(known)) => self.resume(*known, request).await,
            Err(error) => Err(self.interrupted(&record, error).await),
        }
    }

    /// Fails if the request would make a new payment in a currency that is not in use. A payment that was made before the
    /// currency was withdrawn can still be repeated. Costs one read, and none if the currency is in use.
    async fn check_currency(&self, request: &PaymentRequest, payment_id: &PaymentId) -> Result<(), AcceptError> {
        let Err(error) = request.amount.currency().check_in_use() else { return Ok(()) };
        match self.store.load(payment_id).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(error.into()),
            // No lease is held yet.
            Err(error) => Err(AcceptError::Store { error, retry_after_ms: 0 }),
        }
    }

    /// Creates a lease that starts now.
    fn lease(&self, attempt: u32) -> Lease {
        Lease { until: Timestamp::now().plus_ms(self.lease_ms), attempt, holder: RequestKey::random() }
    }

    /// Returns the result of the request that made the payment, takes over from one whose lease has expired, or finishes
    /// one that was given up.
    async fn resume(&self, known: PaymentRecord, request: &PaymentRequest) -> Result<Accepted, AcceptError> {
        if known.payment.status == Status::Processing && known.is_abandoned {
            let declined = self.decider.decline_abandoned(&known).await;
            // This request holds no lease.
            return self.conclude(declined, async || 0).await;
        }
        if known.payment.status != Status::Processing || known.lease.is_held(Timestamp::now(), self.lease_ms) {
            return outcome_of(&known);
        }
        let record = PaymentRecord { lease: self.lease(known.lease.attempt.saturating_add(1)), ..known.clone() };
        match write(&*self.store, &known, &record).await {
            Ok(Written::Done) => self.process(record, request).await,
            Ok(Written::Lost(stored)) => outcome_of(&stored),
            Ok(Written::Missing) => Err(erased()),
            Err(error) => Err(self.interrupted(&record, error).await),
        }
    }

    /// Calls the processor, and stores its decision.
    async fn process(&self, record: PaymentRecord, request: &PaymentRequest) -> Result<Accepted, AcceptError> {
        let authorization = Authorization {
            idempotency_key: &record.payment.payment_id,
            amount: record.payment.amount,
            token: &request.token,
            attempt: record.lease.attempt,
        };
        let decided = match self.processor.authorize(authorization).await {
            Ok(outcome) => self.decider.decide(&record, record.lease.holder.clone(), outcome).await,
            Err(error) => Err(UndecidedReason::Processor(error)),
        };
        self.conclude(decided, async || self.release_lease(&record).await).await
    }

    /// Publishes a payment that this request decided, if that is the request's part. `release` releases its lease, and
    /// returns the milliseconds until the next request can take over.
    async fn conclude(
        &self,
        decided: Result<Decision, UndecidedReason>,
        release: impl AsyncFnOnce() -> u64,
    ) -> Result<Accepted, AcceptError> {
        match decided {
            Ok(Decision::Made(decided)) => {
                let published = self.publish_mode.publish(&decided).await;
                Ok(Accepted { payment: decided.payment, published: Some(published) })
            }
            // Another request took over. It used the same key with the processor, so it gets the same decision.
            Ok(Decision::Lost(stored)) => outcome_of(&stored),
            Ok(Decision::Erased) => Err(erased()),
            Err(UndecidedReason::Processor(error)) => {
                Err(AcceptError::Processor { error, retry_after_ms: release().await })
            }
            Err(UndecidedReason::Store(error)) => Err(AcceptError::Store { error, retry_after_ms: release().await }),
            Err(UndecidedReason::Defect(error)) => Err(defect(&error)),
        }
    }

    /// Releases the lease of a request whose write failed, with or without effect.
    async fn interrupted(&self, record: &PaymentRecord, error: StoreError) -> AcceptError {
        AcceptError::Store { error, retry_after_ms: self.release_lease(record).await }
    }

    /// Releases the lease, so that the next request can take over immediately. If this fails, the lease expires by
    /// itself. Returns the milliseconds until the next request can take over.
    async fn release_lease(&self, record: &PaymentRecord) -> u64 {
        let now = Timestamp::now();
        let lease = Lease { until: now, ..record.lease.clone() };
        match self.store.replace(record, &PaymentRecord { lease, ..record.clone() }).await {
            // Also if the record is missing or has another lease or version: then this request holds no lease.
            Ok(_) => 0,
            Err(error) => {
                tracing::warn!(%error, source = %error.source,
                    "could not release a payment's lease; it will expire by itself");
                record.lease.until.ms_since(now)
            }
        }
    }
}

/// Returns the result of another request for the same payment, if that request has finished.
fn outcome_of(stored: &PaymentRecord) -> Result<Accepted, AcceptError> {
    if stored.payment.status == Status::Processing {
        return Err(AcceptError::InProgress);
    }
    // A retry gets the original result, even if the payment has changed since.
    let payment = stored.as_of(1).map_err(|error| defect(&error))?;
    Ok(Accepted { payment, published: None })
}

/// Returns the error for a payment that was deleted while this request worked on it. A retry begins it again.
fn erased() -> AcceptError {
    let context = "could not store the decision on a payment".to_owned();
    let error = StoreError { context, source: "the payment was deleted while it was processing".into() };
    AcceptError::Store { error, retry_after_ms: 0 }
}

fn defect(error: &dyn std::error::Error) -> AcceptError {
    AcceptError::Defect(error.to_string())
}
