//! What is answered over HTTP.

use orders::{Fulfilment, Line, Order, StoredPayment};
use payment_events::{Money, OrderId, PaymentId, PaymentInfo, PaymentStatus, Timestamp};
use serde::Serialize;

/// An order, as callers see it.
#[derive(Debug, Serialize)]
pub(crate) struct OrderAnswer {
    order_id: OrderId,
    customer_id: String,
    lines: Vec<LineAnswer>,
    total: Money,
    status: &'static str,
    fulfilment: FulfilmentAnswer,
    payment: DecisionAnswer,
    revision: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Debug, Serialize)]
struct LineAnswer {
    sku: String,
    quantity: u32,
    unit_price: Money,
}

#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum FulfilmentAnswer {
    NotStarted,
    Started { started_at: Timestamp },
}

/// What the order's status was decided on.
#[derive(Debug, Serialize)]
struct DecisionAnswer {
    read: &'static str,
    decided_at: Timestamp,
    based_on: Vec<BasedOnAnswer>,
}

#[derive(Debug, Serialize)]
struct BasedOnAnswer {
    payment_id: PaymentId,
    version: u64,
    status: PaymentStatus,
    age_ms: u64,
}

impl From<Order> for OrderAnswer {
    fn from(order: Order) -> Self {
        let based_on = order.decision.based_on.into_iter().map(|payment| BasedOnAnswer {
            payment_id: payment.payment_id,
            version: payment.version,
            status: payment.status,
            age_ms: payment.age_ms,
        });
        Self {
            total: order.lines.total(),
            order_id: order.order_id,
            customer_id: order.customer_id.to_string(),
            lines: order.lines.as_slice().iter().map(LineAnswer::from).collect(),
            status: order.status.as_str(),
            fulfilment: match order.fulfilment {
                Fulfilment::NotStarted => FulfilmentAnswer::NotStarted,
                Fulfilment::Started { at } => FulfilmentAnswer::Started { started_at: at },
            },
            payment: DecisionAnswer {
                read: order.decision.read.as_str(),
                decided_at: order.decision.decided_at,
                based_on: based_on.collect(),
            },
            revision: order.revision,
            created_at: order.created_at,
            updated_at: order.updated_at,
        }
    }
}

impl From<&Line> for LineAnswer {
    fn from(line: &Line) -> Self {
        Self { sku: line.sku.to_string(), quantity: line.quantity.get(), unit_price: line.unit_price }
    }
}

/// The payment info that Orders holds of one order, oldest payment first.
#[derive(Debug, Serialize)]
pub(crate) struct PaymentsAnswer {
    order_id: OrderId,
    payments: Vec<PaymentAnswer>,
}

/// Orders' copy of a payment, and how fresh it is.
#[derive(Debug, Serialize)]
struct PaymentAnswer {
    /// As it came, whole: what Orders holds is the contract's payment info.
    #[serde(flatten)]
    payment: PaymentInfo,
    stored_at: Timestamp,
    /// From `updated_at` to `stored_at`: how long it took from Payments to Orders.
    lag_ms: u64,
    /// From `updated_at` to this answer.
    age_ms: u64,
}

impl PaymentsAnswer {
    pub(crate) fn new(order_id: OrderId, mut payments: Vec<StoredPayment>, now: Timestamp) -> Self {
        payments.sort_by(|a, b| {
            let (a, b) = (&a.payment, &b.payment);
            (a.created_at, &a.payment_id).cmp(&(b.created_at, &b.payment_id))
        });
        let payments = payments.into_iter().map(|stored| PaymentAnswer::new(stored, now)).collect();
        Self { order_id, payments }
    }
}

impl PaymentAnswer {
    fn new(stored: StoredPayment, now: Timestamp) -> Self {
        let lag_ms = stored.lag_ms();
        let StoredPayment { payment, stored_at } = stored;
        Self { stored_at, lag_ms, age_ms: now.ms_since(payment.updated_at), payment }
    }
}
