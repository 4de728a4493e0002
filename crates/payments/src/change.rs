//! Changing a payment: each change once, and never on top of one it does not know.

use std::sync::Arc;

use payment_events::Timestamp;

use crate::{
    Action, ChangeRequest, IllegalTransition, Payment, PaymentRecord, PaymentStore, Publication, Published, Replaced,
    Status, Step, StepError, StoreError,
};

/// How often a change that lost a race is tried on what won it.
const TRIES_MAX: u32 = 4;

/// The use case behind capture, void and refund.
#[derive(Clone)]
pub struct ChangePayment {
    store: Arc<dyn PaymentStore>,
    publication: Publication,
}

/// A payment that a change was made to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The payment as the change left it.
    pub payment: Payment,
    /// What became of publishing it; nothing where an earlier request made the change.
    pub published: Option<Published>,
}

/// Why a change was not made. Nothing has changed, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such payment.
    #[error("there is no such payment")]
    NotFound,
    /// An earlier request used the key for another change of this payment.
    #[error("the idempotency key was used for a different change")]
    KeyReused,
    /// The payment has another version than the caller allows.
    #[error("the payment has version {version}")]
    VersionMismatch {
        /// The version it has.
        version: u64,
    },
    /// The state machine has no such step from where the payment stands.
    #[error("{reason}")]
    Illegal {
        /// Where it stands.
        status: Status,
        /// What is not possible.
        reason: IllegalTransition,
    },
    /// The payment has had as many refunds as it may.
    #[error(transparent)]
    TooManySteps(StepError),
    /// Others kept changing the payment.
    #[error("others kept changing the payment")]
    Contended,
    /// The store gave no answer, and the change may have been made or not. The same request again is safe.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored makes no sense: a defect.
    #[error("a payment could not be changed: {0}")]
    Defect(IllegalTransition),
}

impl ChangePayment {
    /// Changes what is in `store`, makes it known through `publication`.
    pub fn new(store: Arc<dyn PaymentStore>, publication: Publication) -> Self {
        Self { store, publication }
    }

    /// Makes the change, or answers with the one that the same request made before.
    ///
    /// A change that another one overtakes is decided again, on what that one left. So two refunds at once are both made
    /// where there is enough for both, and a capture that a void overtook is refused.
    pub async fn change(&self, request: &ChangeRequest) -> Result<Changed, ChangeError> {
        let mut known = self.store.load(&request.payment_id).await?.ok_or(ChangeError::NotFound)?;
        for _ in 0..TRIES_MAX {
            if let Some(payment) = made_before(&known, request)? {
                return Ok(Changed { payment, published: None });
            }
            let next = decide(&known, request)?;
            match self.store.replace(&known, &next).await? {
                Replaced::Lost(stored) if !stored.includes(&next) => known = *stored,
                Replaced::Done | Replaced::Lost(_) => {
                    let published = self.publication.publish(&next.payment).await;
                    return Ok(Changed { payment: next.payment, published: Some(published) });
                }
            }
        }
        Err(ChangeError::Contended)
    }
}

/// The payment as this very request left it earlier. That comes before everything else: a repeated request is not wrong
/// because it was right before.
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
