//! What an item of the payments table holds.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use payment_events::{Decline, Money, OrderId, PaymentId, Timestamp, TraceParent};
use payments::{Fingerprint, Lease, Payment, PaymentRecord, Status};
use serde::{Deserialize, Serialize};

/// An item that is no payment: a defect, or somebody else's write.
#[derive(Debug, thiserror::Error)]
#[error("an item of the payments table cannot be understood: {0}")]
pub struct InvalidItem(String);

/// A payment as the table's change stream shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPayment {
    /// The payment.
    pub payment: Payment,
    /// Whether this version has yet to be published.
    pub unpublished: bool,
}

impl StoredPayment {
    /// Reads the image of an item from a change stream.
    pub fn from_image(image: serde_dynamo::Item) -> Result<Self, InvalidItem> {
        let item: PaymentItem = serde_dynamo::from_item(image).map_err(|error| InvalidItem(error.to_string()))?;
        let record = item.into_record()?;
        Ok(Self { payment: record.payment, unpublished: record.unpublished })
    }
}

/// The attributes. `unpublished` is there only while it is true, `decline` and `traceparent` only where there is one.
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
    request_fingerprint: String,
    lease_until: Timestamp,
    attempt: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unpublished: bool,
}

/// `status` while the processor has not answered; every other is the contract's.
pub(crate) const PROCESSING: &str = "processing";

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
        };
        Ok(PaymentRecord {
            payment,
            fingerprint: Fingerprint::stored(self.request_fingerprint),
            lease: Lease { until: self.lease_until, attempt: self.attempt },
            unpublished: self.unpublished,
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
            request_fingerprint: record.fingerprint.as_str().to_owned(),
            lease_until: record.lease.until,
            attempt: record.lease.attempt,
            unpublished: record.unpublished,
        }
    }
}
