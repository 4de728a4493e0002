//! Refusals in items of the payments table.

use payment_events::{Currency, Money, PaymentStatus};
use payments::{Change, IllegalTransition, Refusal, RequestKey, Status, StepError};
use serde::{Deserialize, Serialize};

use crate::payment_item::InvalidItem;

/// A refused change of a payment. `amount` is the requested amount, whose currency may differ from the payment's; it is
/// absent if no amount was requested. `available_minor` is present if the amount was the reason.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RefusalItem {
    key: String,
    change: ChangeName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount: Option<Money>,
    status: String,
    reason: ReasonName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    available_minor: Option<i64>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChangeName {
    Capture,
    Void,
    Refund,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReasonName {
    Status,
    Amount,
    Currency,
    TooMany,
}

impl RefusalItem {
    /// Converts into the refusal of a payment with this currency.
    pub(crate) fn into_refusal(self, currency: Currency) -> Result<Refusal, InvalidItem> {
        let status: PaymentStatus =
            self.status.parse().map_err(|error| InvalidItem(format!("/refusals/status {error}")))?;
        let (change, to) = match self.change {
            ChangeName::Capture => (Change::Capture(self.amount), PaymentStatus::Captured),
            ChangeName::Void => (Change::Void, PaymentStatus::Voided),
            ChangeName::Refund => (Change::Refund(self.amount), PaymentStatus::Refunded),
        };
        let reason = match (self.reason, self.available_minor) {
            (ReasonName::Status, _) => IllegalTransition::Status { from: Status::Public(status), to }.into(),
            (ReasonName::Amount, Some(available_minor)) => IllegalTransition::Amount { available_minor }.into(),
            (ReasonName::Amount, None) => return Err(InvalidItem("/refusals/available_minor is missing".to_owned())),
            (ReasonName::Currency, _) => IllegalTransition::Currency { currency }.into(),
            (ReasonName::TooMany, _) => StepError::TooMany,
        };
        Ok(Refusal { key: RequestKey::stored(self.key), change, status, reason })
    }
}

impl From<Refusal> for RefusalItem {
    fn from(refusal: Refusal) -> Self {
        let (change, amount) = match refusal.change {
            Change::Capture(requested) => (ChangeName::Capture, requested),
            Change::Void => (ChangeName::Void, None),
            Change::Refund(requested) => (ChangeName::Refund, requested),
        };
        let (reason, available_minor) = match refusal.reason {
            StepError::Illegal(IllegalTransition::Status { .. }) => (ReasonName::Status, None),
            StepError::Illegal(IllegalTransition::Amount { available_minor }) => {
                (ReasonName::Amount, Some(available_minor))
            }
            StepError::Illegal(IllegalTransition::Currency { .. }) => (ReasonName::Currency, None),
            StepError::TooMany => (ReasonName::TooMany, None),
        };
        let (key, status) = (refusal.key.as_str().to_owned(), refusal.status.to_string());
        Self { key, change, amount, status, reason, available_minor }
    }
}
