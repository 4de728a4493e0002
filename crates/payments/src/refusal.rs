//! Refusals of changes, bound to their idempotency keys.

use payment_events::PaymentStatus;

use crate::{Change, RequestKey, StepError};

/// Maximum number of refusals that a payment keeps, at most about 150 bytes each. All of them are in the payment's item,
/// and every write pays for the item's size.
pub const REFUSALS_MAX: usize = 100;

/// A change that the state of its payment refused, stored with the payment.
///
/// A refusal is the answer to its idempotency key, so the same request gets it again, whatever has become of the payment
/// since. Holds the reason instead of a response: the same reason makes the same response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Request that was refused.
    pub key: RequestKey,
    /// Change that was requested.
    pub change: Change,
    /// Status of the payment when it refused the change.
    pub status: PaymentStatus,
    /// Reason for the refusal.
    pub reason: StepError,
}
