//! DynamoDB item of a payment in the read model.

use orders::PaymentCopy;
use payment_events::{Decline, Money, OrderId, PaymentId, PaymentInfo, PaymentStatus, Timestamp};
use serde::{Deserialize, Serialize};

/// Sort key prefix of a payment, followed by its id.
pub(crate) const PAYMENT_PREFIX: &str = "payment#";

/// Attributes of the item. Separate from the event type, so that the contract can change without the table.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CopyItem {
    order_id: OrderId,
    item: String,
    payment_id: PaymentId,
    status: PaymentStatus,
    amount: Money,
    captured_minor: i64,
    refunded_minor: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decline: Option<Decline>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    received_at: Timestamp,
}

impl From<&PaymentCopy> for CopyItem {
    fn from(stored: &PaymentCopy) -> Self {
        let PaymentCopy { payment, received_at } = stored.clone();
        Self {
            item: format!("{PAYMENT_PREFIX}{}", payment.payment_id),
            order_id: payment.order_id,
            payment_id: payment.payment_id,
            status: payment.status,
            amount: payment.amount,
            captured_minor: payment.captured_minor,
            refunded_minor: payment.refunded_minor,
            decline: payment.decline,
            version: payment.version,
            created_at: payment.created_at,
            updated_at: payment.updated_at,
            received_at,
        }
    }
}

impl From<CopyItem> for PaymentCopy {
    fn from(item: CopyItem) -> Self {
        let payment = PaymentInfo {
            payment_id: item.payment_id,
            order_id: item.order_id,
            status: item.status,
            amount: item.amount,
            captured_minor: item.captured_minor,
            refunded_minor: item.refunded_minor,
            decline: item.decline,
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
        };
        Self { payment, received_at: item.received_at }
    }
}
