//! Stored form of a payment.

use payment_events::{InvalidPaymentInfo, PaymentEvent, PaymentId, Timestamp, TraceParent};

use crate::{Action, Fingerprint, IllegalTransition, Payment, PaymentRequest, RequestKey};

/// Maximum number of steps of a payment: its decision, its capture and 100 refunds. All steps are in one item, and
/// every write pays for the item's size.
pub const STEPS_MAX: usize = 102;

/// A payment with the data that its store keeps about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRecord {
    /// The payment.
    pub payment: Payment,
    /// Hash of the request that made the payment.
    pub fingerprint: Fingerprint,
    /// Lease of the request that works on the payment while it is processing.
    pub lease: Lease,
    /// Steps that made the versions. The first one made version 1.
    pub steps: Vec<Step>,
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
    /// The payment has [`STEPS_MAX`] steps already.
    #[error("a payment allows at most {} refunds", STEPS_MAX - 2)]
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
            steps: Vec::new(),
            published_version: 0,
        }
    }

    /// Returns the record after one more step. Its position stays, so that the new version is due.
    pub fn after(&self, step: Step, trace_parent: Option<TraceParent>) -> Result<Self, StepError> {
        let payment = Payment { trace_parent, ..self.payment.clone().after(&step.action, step.at)? };
        if self.steps.len() == STEPS_MAX {
            return Err(StepError::TooMany);
        }
        let mut steps = self.steps.clone();
        steps.push(step);
        Ok(Self { payment, steps, ..self.clone() })
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
            payment = payment.after(&step.action, step.at)?;
            if payment.version == newest.version {
                payment.trace_parent.clone_from(&newest.trace_parent);
            }
            if payment.version > position {
                events.extend(payment.event().transpose()?);
            }
        }
        if payment == *newest { Ok(events) } else { Err(RebuildError::Different) }
    }

    /// Returns true if this record is `earlier` or a later state of it, which means that the write of `earlier` took
    /// effect even if its response was lost. Compares the steps, each of which names its request, and the lease holder.
    pub fn includes(&self, earlier: &Self) -> bool {
        self.steps.starts_with(&earlier.steps) && (self.lease.holder == earlier.lease.holder)
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
