//! Capture, void and refund: idempotent, with optimistic concurrency.

use std::sync::Arc;

use payment_events::Timestamp;

use crate::{
    Action, ChangeRequest, IllegalTransition, Payment, PaymentRecord, PaymentStore, Publication, Published, Replaced,
    Status, Step, StepError, StoreError,
};

/// Maximum attempts of a change whose conditional writes keep losing to concurrent changes.
const TRIES_MAX: u32 = 4;

/// The use case behind capture, void and refund.
#[derive(Clone)]
pub struct ChangePayment {
    store: Arc<dyn PaymentStore>,
    publication: Publication,
}

/// Outcome of [`ChangePayment::change`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The payment as of the version that the change made.
    pub payment: Payment,
    /// Outcome of the direct publish. `None` if an earlier request made the change.
    pub published: Option<Published>,
}

/// Reason why a change was not made. The payment is unchanged, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No payment has this id.
    #[error("payment not found")]
    NotFound,
    /// Another caller made the payment. Callers are told the same as for [`ChangeError::NotFound`].
    #[error("another caller made the payment")]
    NotAccessible,
    /// An earlier request used the key for a different change of this payment.
    #[error("the idempotency key was used for a different change")]
    KeyReused,
    /// The payment's version is not one that the caller allows.
    #[error("the payment has version {version}")]
    VersionMismatch {
        /// Current version.
        version: u64,
    },
    /// The state machine does not allow the change in the current status, or not with this amount.
    #[error("{reason}")]
    Illegal {
        /// Current status.
        status: Status,
        /// Reason for the refusal.
        reason: IllegalTransition,
    },
    /// The payment has reached its maximum number of refunds.
    #[error(transparent)]
    TooManySteps(StepError),
    /// Every attempt lost to a concurrent change.
    #[error("concurrent changes of the payment won every attempt")]
    Contended,
    /// The store failed. The change may or may not have taken effect. A retry with the same key is safe.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stored steps do not reproduce the payment. A bug.
    #[error("payment change failed: {0}")]
    Defect(IllegalTransition),
}

impl ChangePayment {
    /// Creates the use case. It changes payments in `store` and publishes them through `publication`.
    pub fn new(store: Arc<dyn PaymentStore>, publication: Publication) -> Self {
        Self { store, publication }
    }

    /// Makes the change, or returns the result of an earlier request with the same key.
    ///
    /// A change that loses to a concurrent one is decided again on the new version. Two concurrent refunds both succeed
    /// if the captured amount covers both; a capture that loses to a void is refused.
    pub async fn change(&self, request: &ChangeRequest) -> Result<Changed, ChangeError> {
        let mut known = self.store.load(&request.payment_id).await?.ok_or(ChangeError::NotFound)?;
        if !request.access.allows(&known.payment) {
            return Err(ChangeError::NotAccessible);
        }
        for _ in 0..TRIES_MAX {
            if let Some(payment) = made_before(&known, request)? {
                return Ok(Changed { payment, published: None });
            }
            let next = decide(&known, request)?;
            match self.store.replace(&known, &next).await? {
                Replaced::Lost(stored) if !stored.includes(&next) => known = *stored,
                Replaced::Done | Replaced::Lost(_) => {
                    let published = self.publication.publish(&next).await;
                    return Ok(Changed { payment: next.payment, published: Some(published) });
                }
            }
        }
        Err(ChangeError::Contended)
    }
}

/// Returns the payment as of the version that an earlier request with this key made. Checked before anything else,
/// because a repeated request must not fail on the change that it made itself.
fn made_before(known: &PaymentRecord, request: &ChangeRequest) -> Result<Option<Payment>, ChangeError> {
    match known.step_by(&request.key) {
        None => Ok(None),
        Some((step, _)) if step.action != Action::Change(request.change) => Err(ChangeError::KeyReused),
        Some((_, version)) => known.as_of(version).map(Some).map_err(ChangeError::Defect),
    }
}

fn decide(known: &PaymentRecord, request: &ChangeRequest) -> Result<PaymentRecord, ChangeError> {
    let Payment { version, status, .. } = known.payment;
    if request.only_versions.as_ref().is_some_and(|versions| !versions.contains(&version)) {
        return Err(ChangeError::VersionMismatch { version });
    }
    let step = Step { key: request.key.clone(), action: Action::Change(request.change), at: Timestamp::now() };
    known.after(step, request.trace_parent.clone()).map_err(|error| match error {
        StepError::Illegal(reason) => ChangeError::Illegal { status, reason },
        StepError::TooMany => ChangeError::TooManySteps(error),
    })
}
