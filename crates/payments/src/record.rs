//! Stored form of a payment.

use payment_events::{PaymentId, Timestamp, TraceParent};

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
    /// Outbox mark: true while this version has yet to be published. Written together with the version, in one item.
    pub unpublished: bool,
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

impl PaymentRecord {
    /// Creates the record of a new payment that is processing, without steps.
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

    /// Returns the record after one more step, marked as unpublished.
    pub fn after(&self, step: Step, trace_parent: Option<TraceParent>) -> Result<Self, StepError> {
        let payment = Payment { trace_parent, ..self.payment.clone().after(&step.action, step.at)? };
        if self.steps.len() == STEPS_MAX {
            return Err(StepError::TooMany);
        }
        let mut steps = self.steps.clone();
        steps.push(step);
        Ok(Self { payment, steps, unpublished: true, ..self.clone() })
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
        let newest = &self.payment;
        let (id, order_id, trace) = (&newest.payment_id, &newest.order_id, &newest.trace_parent);
        let begun = Payment::begin(id.clone(), order_id.clone(), newest.amount, trace.clone(), newest.created_at);
        let mut steps = self.steps.iter().zip(1..=version);
        steps.try_fold(begun, |payment, (step, _)| payment.after(&step.action, step.at))
    }
}
