//! Capture, void and refund: idempotent, with optimistic concurrency.

use std::sync::Arc;

use payment_events::Timestamp;

use crate::{
    Action, Bound, ChangeRequest, IllegalTransition, KeyReused, Payment, PaymentRecord, PaymentStore, PublishMode,
    Published, REFUSALS_MAX, Refusal, Replaced, RequestKey, Status, Step, StoreError,
};

/// Maximum attempts of a change whose conditional writes keep losing to concurrent ones.
const TRIES_MAX: u32 = 4;

/// The use case behind capture, void and refund.
#[derive(Clone)]
pub struct ChangePayment {
    store: Arc<dyn PaymentStore>,
    publish_mode: PublishMode,
}

/// Outcome of [`ChangePayment::change`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The payment as of the version that the change made.
    pub payment: Payment,
    /// Outcome of the publish. `None` if an earlier request made the change.
    pub published: Option<Published>,
}

/// Reason why a change was not made. The payment is unchanged, unless the variant says otherwise.
///
/// Only a refusal is bound to the request's key. A retry after any other error may succeed.
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
    /// The payment processor has not decided yet.
    #[error("the payment is still being processed")]
    InProgress,
    /// The payment's version does not meet the preconditions.
    #[error("the payment has version {version}")]
    VersionMismatch {
        /// Current version.
        version: u64,
    },
    /// The payment's state does not allow the change. The same request with the same key is refused for this reason from
    /// now on.
    #[error("{}", refusal.reason)]
    Refused {
        /// The refusal, which is stored if the request has a key.
        refusal: Box<Refusal>,
        /// True if an earlier request was refused, and this one repeats it.
        replayed: bool,
    },
    /// The payment's state does not allow the change, and the payment cannot store more refusals.
    #[error("the payment keeps as many refusals as it can")]
    TooManyRefusals,
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

impl From<KeyReused> for ChangeError {
    fn from(_: KeyReused) -> Self {
        Self::KeyReused
    }
}

impl ChangePayment {
    /// Creates the use case. It changes payments in `store` and publishes them by `publish_mode`.
    pub fn new(store: Arc<dyn PaymentStore>, publish_mode: PublishMode) -> Self {
        Self { store, publish_mode }
    }

    /// Makes the change, or returns the answer to an earlier request with the same key.
    ///
    /// A change that loses to a concurrent one is decided again on the new version. Two concurrent refunds both succeed
    /// if the captured amount covers both; a capture that loses to a void is refused.
    ///
    /// A refused change with a key is stored before it is reported, so that it never takes effect later.
    pub async fn change(&self, request: &ChangeRequest) -> Result<Changed, ChangeError> {
        let mut known = self.store.load(&request.payment_id).await?.ok_or(ChangeError::NotFound)?;
        if !request.access.allows(&known.payment) {
            return Err(ChangeError::NotAccessible);
        }
        for _ in 0..TRIES_MAX {
            if let Some(changed) = answered_before(&known, request)? {
                return Ok(changed);
            }
            let Status::Public(status) = known.payment.status else { return Err(ChangeError::InProgress) };
            let version = known.payment.version;
            if !request.preconditions.allow(version) {
                return Err(ChangeError::VersionMismatch { version });
            }
            let key = request.key.clone().unwrap_or_else(RequestKey::random);
            let step = Step { key: key.clone(), action: Action::Change(request.change), at: Timestamp::now() };
            let attempt = match known.after(step, request.trace_parent.clone()) {
                Ok(next) => self.make(&known, next).await?,
                Err(reason) => {
                    let refusal = Refusal { key, change: request.change, status, reason };
                    self.refuse(&known, request, refusal).await?
                }
            };
            match attempt {
                Attempt::Made(changed) => return Ok(changed),
                Attempt::Lost(stored) => known = *stored,
            }
        }
        Err(ChangeError::Contended)
    }

    /// Stores the changed payment `next` together with the outbox position, and publishes it.
    async fn make(&self, known: &PaymentRecord, next: PaymentRecord) -> Result<Attempt, ChangeError> {
        match self.store.replace(known, &next).await? {
            Replaced::Lost(stored) if !stored.includes(&next) => Ok(Attempt::Lost(stored)),
            Replaced::Done | Replaced::Lost(_) => {
                let published = self.publish_mode.publish(&next).await;
                Ok(Attempt::Made(Changed { payment: next.payment, published: Some(published) }))
            }
            Replaced::Missing => Err(ChangeError::NotFound),
        }
    }

    /// Binds a refusal to the key of its request, and returns it as the error. Without a key there is nothing to bind.
    async fn refuse(
        &self,
        known: &PaymentRecord,
        request: &ChangeRequest,
        refusal: Refusal,
    ) -> Result<Attempt, ChangeError> {
        if request.key.is_some() {
            if known.refusals.len() >= REFUSALS_MAX {
                return Err(ChangeError::TooManyRefusals);
            }
            match self.store.refuse(known, &refusal).await? {
                Replaced::Lost(stored) if !stored.refusals.contains(&refusal) => return Ok(Attempt::Lost(stored)),
                Replaced::Done | Replaced::Lost(_) => {}
                Replaced::Missing => return Err(ChangeError::NotFound),
            }
        }
        Err(ChangeError::Refused { refusal: Box::new(refusal), replayed: false })
    }
}

/// Outcome of one conditional write.
enum Attempt {
    Made(Changed),
    /// Another write came first. Holds the stored record.
    Lost(Box<PaymentRecord>),
}

/// Returns the answer to an earlier request with this key: the payment as of the version that it made, or its refusal.
/// Checked before anything else, because a repeated request must not fail on the change that it made itself.
fn answered_before(known: &PaymentRecord, request: &ChangeRequest) -> Result<Option<Changed>, ChangeError> {
    let Some(key) = &request.key else { return Ok(None) };
    match known.answer_to(key, request.change)? {
        None => Ok(None),
        Some(Bound::Made(version)) => {
            let payment = known.as_of(version).map_err(ChangeError::Defect)?;
            Ok(Some(Changed { payment, published: None }))
        }
        Some(Bound::Refused(refusal)) => {
            Err(ChangeError::Refused { refusal: Box::new(refusal.clone()), replayed: true })
        }
    }
}
