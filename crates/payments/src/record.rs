//! Stored form of a payment.

use payment_events::{
    InvalidPaymentInfo, PaymentEvent, PaymentId, PaymentStatus, Timestamp, TraceParent, Transition, TransitionAction,
};

use crate::{
    Action, Change, Fingerprint, IllegalTransition, Outcome, Payment, PaymentRequest, Refusal, RequestKey, Status,
};

/// Number of refunds that a payment allows. One more is possible if it refunds all that is left.
const REFUNDS_MAX: usize = 100;

/// Maximum number of steps of a payment: its decision, its capture, 100 refunds, and the refund of all that is left. All
/// steps are in one item, and every write pays for the item's size.
pub const STEPS_MAX: usize = REFUNDS_MAX + 3;

/// A payment with the data that its store keeps about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRecord {
    /// The payment.
    pub payment: Payment,
    /// Hash of the request that made the payment.
    pub fingerprint: Fingerprint,
    /// Lease of the request that works on the payment while it is processing.
    pub lease: Lease,
    /// True once the authorization was given up. From then on the payment can only be declined: its key is void at the
    /// processor, or about to be. Stored before the key is voided, so that no other request authorizes the payment
    /// meanwhile.
    pub is_abandoned: bool,
    /// Steps that made the versions. The first one made version 1.
    pub steps: Vec<Step>,
    /// Refusals bound to their idempotency keys, at most [`REFUSALS_MAX`](crate::REFUSALS_MAX), in the order of their writes.
    pub refusals: Vec<Refusal>,
    /// Outbox position: all versions up to and including it are on the hub. A write of the record may set it back, which
    /// costs duplicates on the hub and nothing else.
    pub published_version: u64,
}

/// Exclusive right to work on a payment that is processing, for a limited time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Time from which another request may take over.
    pub until: Timestamp,
    /// Number of the attempt that holds the lease, from 1.
    pub attempt: u32,
    /// Request that holds the lease.
    pub holder: RequestKey,
}

impl Lease {
    /// Returns true if the holder may still be working on the payment. `lease_ms` is the length of a lease, in
    /// milliseconds.
    ///
    /// A lease that ends more than two lengths from `now` was written by a clock that is at least one length ahead. It says
    /// nothing about its holder, and would keep the payment in progress for as long as that clock is ahead. It counts as
    /// expired: if the holder is still at work, the processor is called twice with the same key, and charges once.
    pub fn is_held(&self, now: Timestamp, lease_ms: u64) -> bool {
        let left_ms = self.until.ms_since(now);
        left_ms > 0 && left_ms <= lease_ms.saturating_mul(2)
    }
}

/// Step that made one version of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Request that took the step.
    pub key: RequestKey,
    /// Action requested.
    pub action: Action,
    /// Time of the step.
    pub at: Timestamp,
}

/// Reason why a step is not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The payment's current state does not allow the step.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// The payment has as many refunds as it allows, and this one does not refund all that is left.
    #[error("a payment allows at most {REFUNDS_MAX} refunds, and then one of all that is left")]
    TooMany,
}

/// Reason why the event of a stored version cannot be rebuilt. A bug, or a write by another program.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The steps are not those that made the payment.
    #[error("the stored steps are not possible: {0}")]
    Steps(#[from] IllegalTransition),
    /// The steps make another payment.
    #[error("the stored steps do not reproduce the payment")]
    Different,
    /// A version violates the event contract.
    #[error("the payment violates the event contract: {0}")]
    Contract(#[from] InvalidPaymentInfo),
}

/// Answer that an idempotency key already has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound<'a> {
    /// The request made this version.
    Made(u64),
    /// The request was refused.
    Refused(&'a Refusal),
}

/// The key has an answer already, to a request for another change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyReused;

impl PaymentRecord {
    /// Creates the record of a new payment that is processing, without steps.
    pub fn begin(request: &PaymentRequest, payment_id: PaymentId, lease: Lease, at: Timestamp) -> Self {
        let (order_id, trace_parent) = (request.order_id.clone(), request.trace_parent.clone());
        Self {
            payment: Payment {
                made_by: request.caller.clone(),
                ..Payment::begin(payment_id, order_id, request.amount, trace_parent, at)
            },
            fingerprint: request.fingerprint(),
            lease,
            is_abandoned: false,
            steps: Vec::new(),
            refusals: Vec::new(),
            published_version: 0,
        }
    }

    /// Returns the record after one more step. Its position stays, so that the new version is due.
    pub fn after(&self, step: Step, trace_parent: Option<TraceParent>) -> Result<Self, StepError> {
        let payment = Payment { trace_parent, ..self.payment.clone().after(&step.action, step.at)? };
        // No step follows the refund of all that is left, so there are at most `STEPS_MAX`.
        let is_last = payment.status == Status::Public(PaymentStatus::Refunded);
        if self.steps.len() >= STEPS_MAX.saturating_sub(1) && !is_last {
            return Err(StepError::TooMany);
        }
        let mut steps = self.steps.clone();
        steps.push(step);
        Ok(Self { payment, steps, ..self.clone() })
    }

    /// Returns the record with another lease holder. Stored, it makes every write fail that an earlier holder may still
    /// send.
    pub(crate) fn held_by(&self, holder: RequestKey) -> Self {
        Self { lease: Lease { holder, ..self.lease.clone() }, ..self.clone() }
    }

    /// Returns the record after the processor's decision, a step of the lease holder.
    pub(crate) fn decided(&self, outcome: Outcome) -> Result<Self, StepError> {
        let step = Step { key: self.lease.holder.clone(), action: Action::Decide(outcome), at: Timestamp::now() };
        self.after(step, self.payment.trace_parent.clone())
    }

    /// Returns true if a version has yet to be published.
    pub fn is_due(&self) -> bool {
        self.published_version < self.payment.version
    }

    /// Returns the events of the versions after `position`, in their order.
    ///
    /// They are rebuilt from the steps. A rebuilt event equals the original in everything but its trace, which is stored
    /// of the newest version only.
    pub fn events_after(&self, position: u64) -> Result<Vec<PaymentEvent>, RebuildError> {
        let newest = &self.payment;
        let mut events = Vec::new();
        if position >= newest.version {
            return Ok(events);
        }
        let mut payment = Payment { trace_parent: None, ..self.begun() };
        for step in &self.steps {
            let refunded_before_minor = payment.refunded_minor;
            payment = payment.after(&step.action, step.at)?;
            if payment.version == newest.version {
                payment.trace_parent.clone_from(&newest.trace_parent);
            }
            if payment.version > position
                && let Some(event) = payment.event().transpose()?
            {
                events.push(event.with_transition(transition(&step.action, refunded_before_minor, &payment))?);
            }
        }
        if payment == *newest { Ok(events) } else { Err(RebuildError::Different) }
    }

    /// Returns true if this record is `earlier` or a later state of it, which means that the write of `earlier` took
    /// effect even if its response was lost. Compares the steps, each of which names its request, and the lease holder.
    pub fn includes(&self, earlier: &Self) -> bool {
        self.steps.starts_with(&earlier.steps) && (self.lease.holder == earlier.lease.holder)
    }

    /// Returns the answer that `key` already has, if the request with it was for this change.
    pub fn answer_to(&self, key: &RequestKey, change: Change) -> Result<Option<Bound<'_>>, KeyReused> {
        if let Some((step, version)) = self.step_by(key) {
            return if step.action == Action::Change(change) { Ok(Some(Bound::Made(version))) } else { Err(KeyReused) };
        }
        match self.refusals.iter().find(|refusal| refusal.key == *key) {
            Some(refusal) if refusal.change == change => Ok(Some(Bound::Refused(refusal))),
            Some(_) => Err(KeyReused),
            None => Ok(None),
        }
    }

    /// Returns the step that this request took, and the version that the step made.
    pub fn step_by(&self, key: &RequestKey) -> Option<(&Step, u64)> {
        self.steps.iter().zip(1..).find(|(step, _)| step.key == *key)
    }

    /// Returns the payment as of `version`, so that a repeated request gets its original result. Only the trace is the
    /// newest version's.
    ///
    /// Fails only if the steps are not those that made this payment.
    pub fn as_of(&self, version: u64) -> Result<Payment, IllegalTransition> {
        let mut steps = self.steps.iter().zip(1..=version);
        steps.try_fold(self.begun(), |payment, (step, _)| payment.after(&step.action, step.at))
    }

    /// Returns the payment before its first step, with the trace of the newest version.
    fn begun(&self) -> Payment {
        let Payment { payment_id, order_id, amount, trace_parent, created_at, .. } = &self.payment;
        let begun = Payment::begin(payment_id.clone(), order_id.clone(), *amount, trace_parent.clone(), *created_at);
        Payment { made_by: self.payment.made_by.clone(), ..begun }
    }
}

/// Returns the transition that this action made, with the amount that it moved and not the one requested. `after` is the
/// payment after it, and `refunded_before_minor` the refunded amount before it.
fn transition(action: &Action, refunded_before_minor: i64, after: &Payment) -> Transition {
    let held_minor = after.amount.minor();
    let (action, amount_minor) = match action {
        Action::Decide(Outcome::Approved) => (TransitionAction::Authorize, held_minor),
        Action::Decide(Outcome::Declined(_)) => (TransitionAction::Decline, held_minor),
        Action::Change(Change::Capture(_)) => (TransitionAction::Capture, after.captured_minor),
        Action::Change(Change::Void) => (TransitionAction::Void, held_minor),
        Action::Change(Change::Refund(_)) => {
            (TransitionAction::Refund, after.refunded_minor.saturating_sub(refunded_before_minor))
        }
    };
    Transition { action, amount_minor }
}
