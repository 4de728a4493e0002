//! What is answered over HTTP.

use orders::{CustomerId, Decision, Fulfilment, Line, Order, OrderStatus, PaymentCopy, PaymentRead, Quantity, Sku};
use payment_events::{Money, OrderId, PaymentId, PaymentInfo, PaymentStatus, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

/// An order, as callers see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Order")]
pub(crate) struct OrderAnswer {
    order_id: OrderId,
    #[schemars(with = "CustomerId")]
    customer_id: String,
    /// As they were ordered.
    lines: Vec<LineAnswer>,
    /// What the lines come to.
    total: Money,
    #[schemars(with = "OrderStatus")]
    status: &'static str,
    /// Whether the goods are on their way. It starts once, and an order on hold does not unstart it.
    fulfilment: FulfilmentAnswer,
    /// What the status was decided on.
    payment: DecisionAnswer,
    /// 1, 2, 3 …: one for each time the order was written.
    #[schemars(range(min = 1))]
    revision: u64,
    /// When the order was placed.
    created_at: Timestamp,
    /// When this revision came about.
    updated_at: Timestamp,
}

/// One line of an order.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Line")]
struct LineAnswer {
    #[schemars(with = "Sku")]
    sku: String,
    #[schemars(with = "Quantity")]
    quantity: u32,
    /// What one of them costs.
    unit_price: Money,
}

/// Whether the goods are on their way.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Fulfilment")]
#[serde(tag = "status", rename_all = "snake_case")]
enum FulfilmentAnswer {
    /// Not yet.
    NotStarted,
    /// Since the order was first accepted.
    Started { started_at: Timestamp },
}

/// What the order's status was decided on.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Decision")]
struct DecisionAnswer {
    /// Where the payments were read.
    #[schemars(extend("enum" = PaymentRead::ALL.map(PaymentRead::as_str)))]
    read: &'static str,
    /// When it was decided.
    decided_at: Timestamp,
    /// The payments that were looked at, those that count first, newest first.
    #[schemars(length(max = Decision::BASED_ON_MAX))]
    based_on: Vec<BasedOnAnswer>,
}

/// A payment that was looked at, as it was then.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "BasedOn")]
struct BasedOnAnswer {
    payment_id: PaymentId,
    /// As of which version.
    #[schemars(range(min = 1))]
    version: u64,
    status: PaymentStatus,
    /// How old that version was, in milliseconds.
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
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StoredPayments")]
pub(crate) struct PaymentsAnswer {
    order_id: OrderId,
    payments: Vec<PaymentAnswer>,
}

/// Orders' copy of a payment, and how fresh it is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StoredPayment")]
struct PaymentAnswer {
    // As it came, whole: what Orders holds is the contract's payment info.
    #[serde(flatten)]
    payment: PaymentInfo,
    /// When Orders stored it.
    stored_at: Timestamp,
    /// From `updated_at` to `stored_at`: how long it took from Payments to Orders.
    lag_ms: u64,
    /// From `updated_at` to this answer.
    age_ms: u64,
}

impl PaymentsAnswer {
    pub(crate) fn new(order_id: OrderId, mut payments: Vec<PaymentCopy>, now: Timestamp) -> Self {
        payments.sort_by(|a, b| {
            let (a, b) = (&a.payment, &b.payment);
            (a.created_at, &a.payment_id).cmp(&(b.created_at, &b.payment_id))
        });
        let payments = payments.into_iter().map(|stored| PaymentAnswer::new(stored, now)).collect();
        Self { order_id, payments }
    }
}

impl PaymentAnswer {
    fn new(stored: PaymentCopy, now: Timestamp) -> Self {
        let lag_ms = stored.lag_ms();
        let PaymentCopy { payment, stored_at } = stored;
        Self { stored_at, lag_ms, age_ms: now.ms_since(payment.updated_at), payment }
    }
}
