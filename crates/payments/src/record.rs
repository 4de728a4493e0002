//! A payment with what its store keeps beside it.

use payment_events::{PaymentId, Timestamp, TraceParent};

use crate::{Action, Fingerprint, IllegalTransition, Payment, PaymentRequest, RequestKey};

/// How many steps one payment may take: its decision, its capture and 100 refunds. They are all kept in one item, whose
/// size every write pays for.
pub const STEPS_MAX: usize = 102;

/// A payment with what its store keeps beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRecord {
    /// The payment.
    pub payment: Payment,
    /// What the request that made it asked for.
    pub fingerprint: Fingerprint,
    /// Who works on it, while it is processing.
    pub lease: Lease,
    /// What made each version: the first step made version 1.
    pub steps: Vec<Step>,
    /// Whether this version has yet to be published. Written together with the version, so that neither is without the
    /// other.
    pub unpublished: bool,
}

/// The right to work on a payment that is processing, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// When another request may take over.
    pub until: Timestamp,
    /// 1, 2, 3 …: which attempt holds it.
    pub attempt: u32,
    /// Which request holds it.
    pub holder: RequestKey,
}

/// What made one version of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which request took it.
    pub key: RequestKey,
    /// What it asked for.
    pub action: Action,
    /// When.
    pub at: Timestamp,
}

/// Why a step cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The state machine has no such step from where the payment stands.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// The record has no room for another step.
    #[error("a payment takes at most {} refunds", STEPS_MAX - 2)]
    TooMany,
}

impl PaymentRecord {
    /// What `request` asks for, before anything is decided.
    pub fn begin(request: &PaymentRequest, payment_id: PaymentId, lease: Lease, at: Timestamp) -> Self {
        let (order_id, trace_parent) = (request.order_id.clone(), request.trace_parent.clone());
        Self {
            payment: Payment::begin(payment_id, order_id, request.amount, trace_parent, at),
            fingerprint: request.fingerprint(),
            lease,
            steps: Vec::new(),
            unpublished: false,
        }
    }

    /// The record after one more step, which has yet to be published.
    pub fn after(&self, step: Step, trace_parent: Option<TraceParent>) -> Result<Self, StepError> {
        let payment = Payment { trace_parent, ..self.payment.clone().after(&step.action, step.at)? };
        if self.steps.len() == STEPS_MAX {
            return Err(StepError::TooMany);
        }
        let mut steps = self.steps.clone();
        steps.push(step);
        Ok(Self { payment, steps, unpublished: true, ..self.clone() })
    }

    /// Whether `earlier` is what this was before, or is now: whether the write of `earlier` took effect, though its answer
    /// was lost. The steps tell, since each names the request that took it.
    pub fn includes(&self, earlier: &Self) -> bool {
        self.steps.starts_with(&earlier.steps) && (self.lease.holder == earlier.lease.holder)
    }

    /// The step that this request took, and the version it made.
    pub fn step_by(&self, key: &RequestKey) -> Option<(&Step, u64)> {
        self.steps.iter().zip(1..).find(|(step, _)| step.key == *key)
    }

    /// The payment as it was at `version`, which is how a repeated request gets its first answer again. Only the trace
    /// is not kept: it is the newest version's.
    ///
    /// Fails only where the steps are not those that made this payment.
    pub fn as_of(&self, version: u64) -> Result<Payment, IllegalTransition> {
        let newest = &self.payment;
        let (id, order_id, trace) = (&newest.payment_id, &newest.order_id, &newest.trace_parent);
        let begun = Payment::begin(id.clone(), order_id.clone(), newest.amount, trace.clone(), newest.created_at);
        let mut steps = self.steps.iter().zip(1..=version);
        steps.try_fold(begun, |payment, (step, _)| payment.after(&step.action, step.at))
    }
}
