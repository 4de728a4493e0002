//! Deciding a payment that is processing. A request and a recovery share these calls and conditional writes, so that both
//! may work on one payment.

use std::sync::Arc;

use payment_events::Decline;

use crate::{
    Outcome, PaymentProcessor, PaymentRecord, PaymentStore, ProcessorError, Replaced, RequestKey, StepError, StoreError,
};

/// Outcome of [`write`].
pub(crate) enum Written {
    /// The write took effect.
    Done,
    /// Another write came first. Holds the stored record.
    Lost(Box<PaymentRecord>),
    /// The payment was erased.
    Missing,
}

/// Replaces `known` by `next`. A write whose response was lost, and which the SDK retried, counts as done.
pub(crate) async fn write(
    store: &dyn PaymentStore,
    known: &PaymentRecord,
    next: &PaymentRecord,
) -> Result<Written, StoreError> {
    Ok(match store.replace(known, next).await? {
        Replaced::Lost(stored) if !stored.includes(next) => Written::Lost(stored),
        Replaced::Done | Replaced::Lost(_) => Written::Done,
        Replaced::Missing => Written::Missing,
    })
}

/// Calls and writes that decide a payment.
#[derive(Clone)]
pub(crate) struct Decider {
    store: Arc<dyn PaymentStore>,
    processor: Arc<dyn PaymentProcessor>,
}

/// Outcome of a decision that could be written or not.
pub(crate) enum Decision {
    /// The payment is decided. Holds the stored record.
    Made(Box<PaymentRecord>),
    /// Another write came first. Holds the stored record.
    Lost(Box<PaymentRecord>),
    /// The payment was erased.
    Erased,
}

/// Reason why a payment is still undecided.
pub(crate) enum UndecidedReason {
    Store(StoreError),
    Processor(ProcessorError),
    Defect(StepError),
}

impl Decider {
    pub(crate) fn new(store: Arc<dyn PaymentStore>, processor: Arc<dyn PaymentProcessor>) -> Self {
        Self { store, processor }
    }

    /// Stores the processor's decision on `known` in one write, together with the outbox position. The step is `holder`'s.
    pub(crate) async fn decide(
        &self,
        known: &PaymentRecord,
        holder: RequestKey,
        outcome: Outcome,
    ) -> Result<Decision, UndecidedReason> {
        let decided = known.held_by(holder).decided(outcome).map_err(UndecidedReason::Defect)?;
        Ok(match write(&*self.store, known, &decided).await.map_err(UndecidedReason::Store)? {
            Written::Done => Decision::Made(Box::new(decided)),
            Written::Lost(stored) => Decision::Lost(stored),
            Written::Missing => Decision::Erased,
        })
    }

    /// Voids the key of an abandoned payment, and declines the payment.
    ///
    /// Needs no lease: nothing but a decline can follow, so several callers do no harm.
    pub(crate) async fn decline_abandoned(&self, known: &PaymentRecord) -> Result<Decision, UndecidedReason> {
        self.processor.void(&known.payment.payment_id).await.map_err(UndecidedReason::Processor)?;
        self.decide(known, RequestKey::random(), Outcome::Declined(not_completed())).await
    }
}

/// Decline of a payment that the processor has not authorized, and that no request will finish.
pub(crate) fn not_completed() -> Decline {
    Decline {
        code: "not_completed".to_owned(),
        message: "The request was interrupted, and the processor holds nothing.".to_owned(),
    }
}
