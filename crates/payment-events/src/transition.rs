//! The transition that made a version of a payment, for consumers that act on changes instead of on states.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{json_string, string_schema};
use crate::{PaymentInfo, PaymentStatus};

/// Action that makes a version of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransitionAction {
    /// The processor approved the payment and holds its amount.
    Authorize,
    /// The processor declined the payment.
    Decline,
    /// An amount was captured, and the rest of the held amount released. Happens at most once.
    Capture,
    /// The held amount was released.
    Void,
    /// An amount was refunded: a part of the captured amount, or all that was left of it.
    Refund,
}

impl TransitionAction {
    /// Every action, in lifecycle order.
    pub const ALL: [Self; 5] = [Self::Authorize, Self::Decline, Self::Capture, Self::Void, Self::Refund];

    /// Returns the action as it is on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Decline => "decline",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
        }
    }

    /// Returns the actions that lead to this status. A refund in part leaves the payment captured.
    pub(crate) fn leading_to(status: PaymentStatus) -> &'static [Self] {
        match status {
            PaymentStatus::Authorized => &[Self::Authorize],
            PaymentStatus::Captured => &[Self::Capture, Self::Refund],
            PaymentStatus::Refunded => &[Self::Refund],
            PaymentStatus::Voided => &[Self::Void],
            PaymentStatus::Declined => &[Self::Decline],
        }
    }
}

impl FromStr for TransitionAction {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        Self::ALL.into_iter().find(|action| action.as_str() == text).ok_or(UnknownAction)
    }
}

/// The text is not an action of this contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be authorize, decline, capture, void or refund")]
pub struct UnknownAction;

impl fmt::Display for TransitionAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

json_string!(TransitionAction);
string_schema!(TransitionAction, {
    "description": "Action that made a version of a payment.",
    "enum": Self::ALL.map(Self::as_str),
});

/// Transition that made a version of a payment.
///
/// The totals after it are `captured_minor` and `refunded_minor` of the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transition {
    /// Action that made the version.
    pub action: TransitionAction,
    /// Amount of this action alone, in minor units of the payment's currency: the amount held (`authorize`), declined,
    /// captured, released (`void`) or refunded.
    #[schemars(range(min = 1, max = i64::MAX))]
    pub amount_minor: i64,
}

impl Transition {
    /// Returns true if the transition can have made this payment.
    pub(crate) fn can_make(self, payment: &PaymentInfo) -> bool {
        let PaymentInfo { amount, captured_minor, refunded_minor, status, .. } = payment;
        let amount_fits = match self.action {
            TransitionAction::Authorize | TransitionAction::Decline | TransitionAction::Void => {
                self.amount_minor == amount.minor()
            }
            TransitionAction::Capture => self.amount_minor == *captured_minor && *refunded_minor == 0,
            TransitionAction::Refund => (1..=*refunded_minor).contains(&self.amount_minor),
        };
        amount_fits && TransitionAction::leading_to(*status).contains(&self.action)
    }
}
