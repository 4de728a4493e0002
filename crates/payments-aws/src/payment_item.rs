//! Items of the payments table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use payment_events::{Decline, Money, OrderId, PaymentId, Timestamp, TraceParent};
use payments::{Action, Caller, Change, Fingerprint, Lease, Outcome, Payment, PaymentRecord, RequestKey, Status, Step};
use serde::{Deserialize, Serialize};

use crate::refusal_item::RefusalItem;

/// An item that is not a valid payment: a bug, or a write by another program.
#[derive(Debug, thiserror::Error)]
#[error("could not decode an item of the payments table: {0}")]
pub struct InvalidItem(pub(crate) String);

/// Decodes the image of an item from the table's change stream, in DynamoDB JSON.
pub fn record_of_image(image: &str) -> Result<PaymentRecord, InvalidItem> {
    let image: serde_dynamo::Item = serde_json::from_str(image).map_err(|error| InvalidItem(error.to_string()))?;
    let item: PaymentItem = serde_dynamo::from_item(image).map_err(|error| InvalidItem(error.to_string()))?;
    item.into_record()
}

/// Attributes of an item. `published_version` is absent while it is 0, and `abandoned` while it is false; `decline`,
/// `traceparent`, `caller` and `refusals` are absent if the payment has none.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PaymentItem {
    payment_id: PaymentId,
    order_id: OrderId,
    status: String,
    amount: Money,
    captured_minor: i64,
    refunded_minor: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decline: Option<Decline>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<TraceParent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caller: Option<String>,
    request_fingerprint: String,
    lease_until: Timestamp,
    lease_holder: String,
    attempt: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    abandoned: bool,
    steps: Vec<StepItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refusals: Vec<RefusalItem>,
    #[serde(default, skip_serializing_if = "is_zero")]
    published_version: u64,
}

/// A step of a payment. `minor` is the requested amount in the payment's currency; it is absent if no amount was
/// requested.
#[derive(Debug, Serialize, Deserialize)]
struct StepItem {
    key: String,
    action: ActionName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    minor: Option<i64>,
    at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ActionName {
    Authorize,
    Decline,
    Capture,
    Void,
    Refund,
}

impl StepItem {
    /// Converts into the step of a payment with this amount and decline.
    fn into_step(self, amount: Money, decline: Option<&Decline>) -> Result<Step, InvalidItem> {
        let requested = self.minor.map(|minor| Money::new(minor, amount.currency())).transpose();
        let requested = requested.map_err(|error| InvalidItem(format!("/steps {error}")))?;
        let action = match (self.action, decline) {
            (ActionName::Authorize, _) => Action::Decide(Outcome::Approved),
            (ActionName::Decline, Some(decline)) => Action::Decide(Outcome::Declined(decline.clone())),
            (ActionName::Decline, None) => return Err(InvalidItem("/decline is missing".to_owned())),
            (ActionName::Capture, _) => Action::Change(Change::Capture(requested)),
            (ActionName::Void, _) => Action::Change(Change::Void),
            (ActionName::Refund, _) => Action::Change(Change::Refund(requested)),
        };
        Ok(Step { key: RequestKey::stored(self.key), action, at: self.at })
    }
}

impl From<Step> for StepItem {
    fn from(step: Step) -> Self {
        let (action, requested) = match step.action {
            Action::Decide(Outcome::Approved) => (ActionName::Authorize, None),
            Action::Decide(Outcome::Declined(_)) => (ActionName::Decline, None),
            Action::Change(Change::Capture(requested)) => (ActionName::Capture, requested),
            Action::Change(Change::Void) => (ActionName::Void, None),
            Action::Change(Change::Refund(requested)) => (ActionName::Refund, requested),
        };
        Self { key: step.key.as_str().to_owned(), action, minor: requested.map(Money::minor), at: step.at }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
fn is_zero(version: &u64) -> bool {
    *version == 0
}

/// Value of `status` before the processor has decided. All others are statuses of the contract.
const PROCESSING: &str = "processing";

impl PaymentItem {
    pub(crate) fn from_attributes(attributes: HashMap<String, AttributeValue>) -> Result<Self, InvalidItem> {
        serde_dynamo::from_item(attributes).map_err(|error| InvalidItem(error.to_string()))
    }

    pub(crate) fn into_attributes(self) -> Result<HashMap<String, AttributeValue>, InvalidItem> {
        serde_dynamo::to_item(self).map_err(|error| InvalidItem(error.to_string()))
    }

    pub(crate) fn into_record(self) -> Result<PaymentRecord, InvalidItem> {
        let status = match self.status.as_str() {
            PROCESSING => Status::Processing,
            public => Status::Public(public.parse().map_err(|error| InvalidItem(format!("/status {error}")))?),
        };
        let step = |step: StepItem| step.into_step(self.amount, self.decline.as_ref());
        let steps = self.steps.into_iter().map(step).collect::<Result<_, _>>()?;
        let refusal = |refusal: RefusalItem| refusal.into_refusal(self.amount.currency());
        let refusals = self.refusals.into_iter().map(refusal).collect::<Result<_, _>>()?;
        let payment = Payment {
            payment_id: self.payment_id,
            order_id: self.order_id,
            amount: self.amount,
            status,
            captured_minor: self.captured_minor,
            refunded_minor: self.refunded_minor,
            decline: self.decline,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            trace_parent: self.traceparent,
            made_by: Caller::named(self.caller.as_deref()),
        };
        Ok(PaymentRecord {
            payment,
            fingerprint: Fingerprint::stored(self.request_fingerprint),
            lease: Lease {
                until: self.lease_until,
                attempt: self.attempt,
                holder: RequestKey::stored(self.lease_holder),
            },
            is_abandoned: self.abandoned,
            steps,
            refusals,
            published_version: self.published_version,
        })
    }
}

impl From<PaymentRecord> for PaymentItem {
    fn from(record: PaymentRecord) -> Self {
        let payment = record.payment;
        Self {
            payment_id: payment.payment_id,
            order_id: payment.order_id,
            status: payment.status.to_string(),
            amount: payment.amount,
            captured_minor: payment.captured_minor,
            refunded_minor: payment.refunded_minor,
            decline: payment.decline,
            version: payment.version,
            created_at: payment.created_at,
            updated_at: payment.updated_at,
            traceparent: payment.trace_parent,
            caller: payment.made_by.identity().map(str::to_owned),
            request_fingerprint: record.fingerprint.as_str().to_owned(),
            lease_until: record.lease.until,
            lease_holder: record.lease.holder.as_str().to_owned(),
            attempt: record.lease.attempt,
            abandoned: record.is_abandoned,
            steps: record.steps.into_iter().map(StepItem::from).collect(),
            refusals: record.refusals.into_iter().map(RefusalItem::from).collect(),
            published_version: record.published_version,
        }
    }
}
