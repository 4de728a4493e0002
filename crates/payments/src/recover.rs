//! Deciding a payment without its client.

use std::sync::Arc;

use data_encoding::BASE32_NOPAD;
use payment_events::{PaymentId, Timestamp};

use crate::decision::{Decider, Decision, UndecidedReason, Written, not_completed, write};
use crate::{
    Outcome, Payment, PaymentProcessor, PaymentRecord, PaymentStore, ProcessorError, ProcessorRecord, RequestKey,
    Status, StepError, StoreError,
};

/// The use case behind `payment-recovery`: decides a payment that its client gave up while it was processing.
///
/// It may race with the client's retry and with the interrupted request itself, however late these are:
/// - A decision is one write, on the condition that no other request has taken over since the payment was read.
/// - A key that the processor does not know is voided only after the payment was stored as abandoned. From then on every
///   request declines it, so no payment is authorized whose key is void.
/// - A payment is declined only when its key is void, so nothing stays held that is not authorized.
#[derive(Clone)]
pub struct RecoverPayment {
    store: Arc<dyn PaymentStore>,
    processor: Arc<dyn PaymentProcessor>,
    decider: Decider,
    lease_ms: u64,
    delay_ms: u64,
}

/// Outcome of [`RecoverPayment::recover`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// The payment was decided by this call.
    Recovered(Box<Payment>),
    /// The payment is decided, was erased, or is in the hands of a newer lease holder, whose write has an image of its
    /// own in the change stream.
    NotNeeded,
    /// The payment is not due before this time.
    NotDue(Timestamp),
}

/// Reason why a payment could not be decided. A later call may succeed.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The processor still works on the authorization.
    #[error("the payment processor has not decided yet")]
    Pending,
    /// The processor failed.
    #[error(transparent)]
    Processor(ProcessorError),
    /// The payment could not be read, or its stored item cannot be decoded.
    #[error(transparent)]
    Read(StoreError),
    /// A write failed. It may have taken effect.
    #[error(transparent)]
    Write(StoreError),
    /// The record does not allow a decision. A bug.
    #[error("the payment cannot be decided: {0}")]
    Defect(StepError),
}

impl From<UndecidedReason> for RecoverError {
    fn from(reason: UndecidedReason) -> Self {
        match reason {
            UndecidedReason::Store(error) => Self::Write(error),
            UndecidedReason::Processor(error) => Self::Processor(error),
            UndecidedReason::Defect(error) => Self::Defect(error),
        }
    }
}

impl RecoverPayment {
    /// Creates the use case.
    ///
    /// `lease_ms` is the length of a request's lease, in milliseconds, as for [`AcceptPayment`](crate::AcceptPayment).
    /// A payment is due `delay_ms` milliseconds after its lease has ended, so that the client's own retries come first.
    pub fn new(
        store: Arc<dyn PaymentStore>,
        processor: Arc<dyn PaymentProcessor>,
        lease_ms: u64,
        delay_ms: u64,
    ) -> Self {
        let decider = Decider::new(store.clone(), processor.clone());
        Self { store, processor, decider, lease_ms, delay_ms }
    }

    /// Decides the payment that was `seen` processing, if it still is and is due.
    ///
    /// The processor's record decides. If the processor has no record of the key, the key is voided and the payment
    /// declined with the code `not_completed`.
    pub async fn recover(&self, seen: &PaymentRecord) -> Result<Recovery, RecoverError> {
        let payment_id = &seen.payment.payment_id;
        let stored = self.store.load(payment_id).await.map_err(RecoverError::Read)?;
        let Some(known) = stored.filter(|stored| stored.payment.status == Status::Processing) else {
            return Ok(Recovery::NotNeeded);
        };
        if known.is_abandoned {
            return Ok(recovery_of(self.decider.decline_abandoned(&known).await?));
        }
        if known.lease.holder != seen.lease.holder {
            return Ok(Recovery::NotNeeded);
        }
        let due_at = self.due_at(&known);
        if Timestamp::now() < due_at {
            return Ok(Recovery::NotDue(due_at));
        }
        let outcome = match self.processor.look_up(payment_id).await.map_err(RecoverError::Processor)? {
            ProcessorRecord::Unknown => return self.abandon(&known).await,
            ProcessorRecord::Pending => return Err(RecoverError::Pending),
            ProcessorRecord::Decided(outcome) => outcome,
            ProcessorRecord::Voided => Outcome::Declined(not_completed()),
        };
        Ok(recovery_of(self.decider.decide(&known, RequestKey::random(), outcome).await?))
    }

    /// Returns true if store and processor answer for a payment that does not exist. If so, the failure to decide one
    /// payment concerns that payment only.
    pub async fn dependencies_answer(&self) -> bool {
        let unknown = format!("{}{}", PaymentId::PREFIX, BASE32_NOPAD.encode(uuid::Uuid::new_v4().as_bytes()));
        let Ok(unknown) = unknown.parse() else { return false };
        self.store.load(&unknown).await.is_ok() && self.processor.look_up(&unknown).await.is_ok()
    }

    /// Returns the time from which a payment is due.
    fn due_at(&self, known: &PaymentRecord) -> Timestamp {
        let (lease, now) = (&known.lease, Timestamp::now());
        // The end of a lease that a clock far ahead wrote says nothing.
        let is_plausible = lease.until <= now || lease.is_held(now, self.lease_ms);
        if is_plausible { lease.until.plus_ms(self.delay_ms) } else { now }
    }

    /// Gives up the authorization of a payment: marks the payment, voids its key and declines it.
    async fn abandon(&self, known: &PaymentRecord) -> Result<Recovery, RecoverError> {
        let abandoned = PaymentRecord { is_abandoned: true, ..known.held_by(RequestKey::random()) };
        match write(&*self.store, known, &abandoned).await.map_err(RecoverError::Write)? {
            Written::Done => Ok(recovery_of(self.decider.decline_abandoned(&abandoned).await?)),
            Written::Lost(_) | Written::Missing => Ok(Recovery::NotNeeded),
        }
    }
}

fn recovery_of(decision: Decision) -> Recovery {
    match decision {
        Decision::Made(decided) => Recovery::Recovered(Box::new(decided.payment)),
        Decision::Lost(_) | Decision::Erased => Recovery::NotNeeded,
    }
}
