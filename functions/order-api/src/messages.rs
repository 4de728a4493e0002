//! Response bodies.

use http_pages::NextPage;
use orders::{
    Coverage, CustomerId, Decision, Fulfilment, Line, Order, OrderStatus, PaymentCopy, PaymentRead, PaymentsPage,
    Price, Quantity, Sku,
};
use payment_events::{Decline, OrderId, PaymentId, PaymentInfo, PaymentStatus, Timestamp};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;

/// An order.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Order")]
pub(crate) struct OrderAnswer {
    order_id: OrderId,
    #[schemars(with = "CustomerId")]
    customer_id: String,
    /// Lines ordered, in the order of the request.
    lines: Vec<LineAnswer>,
    /// Total of the lines.
    total: Price,
    #[schemars(with = "OrderStatus")]
    status: &'static str,
    /// Fulfilment of the order. It starts once; an order that goes on hold keeps it.
    fulfilment: FulfilmentAnswer,
    /// Payments behind the status.
    payment: DecisionAnswer,
    /// Payments that cover the order now.
    coverage: CoverageAnswer,
    /// Revision of the order, from 1, incremented by each write.
    #[schemars(range(min = 1))]
    revision: u64,
    /// Time at which the order was placed.
    created_at: Timestamp,
    /// Time of this revision.
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
    /// Price of one unit.
    unit_price: Price,
}

/// Fulfilment of an order.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Fulfilment")]
#[serde(tag = "status", rename_all = "snake_case")]
enum FulfilmentAnswer {
    /// The order has never been accepted.
    NotStarted,
    /// Fulfilment started when the order was first accepted.
    Started { started_at: Timestamp },
}

/// Payments behind an order's status.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Decision")]
struct DecisionAnswer {
    /// Source of the payments: the read model (`local`) or the Payments API (`remote`).
    #[schemars(extend("enum" = PaymentRead::ALL.map(PaymentRead::as_str)))]
    read: &'static str,
    /// Time of the decision.
    decided_at: Timestamp,
    /// Payments considered: covering ones first, then newest first. At most 100 are named.
    #[schemars(length(max = Decision::BASED_ON_MAX))]
    based_on: Vec<BasedOnAnswer>,
    /// Number of payments considered.
    payments: usize,
    /// True if these are all payments of the order. Otherwise it has too many, or some cannot be read; unless the payments
    /// considered cover the order, it keeps its status.
    is_complete: bool,
}

/// Payment at the time of a decision.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "BasedOn")]
struct BasedOnAnswer {
    payment_id: PaymentId,
    /// Version of the payment.
    #[schemars(range(min = 1))]
    version: u64,
    status: PaymentStatus,
    /// Age of that version at the decision, in milliseconds.
    age_ms: u64,
}

/// Part of the total that payments cover now, and those payments. Computed for each response. Only payments in the order's
/// currency count: authorized amounts, and captured amounts less refunds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Coverage")]
struct CoverageAnswer {
    /// The smaller of the total and the sum of the payments. Missing if `is_complete` is false and the payments that could
    /// be read do not cover the total.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<Price>")]
    covered: Option<Price>,
    /// Sum of the payments above the total, or zero. Missing if `is_complete` is false, or if it exceeds
    /// 9223372036854775807 minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<Price>")]
    overpaid: Option<Price>,
    /// Payments that cover a part of the order, newest first. At most 100 are named.
    #[schemars(length(max = Coverage::NAMED_MAX))]
    covered_by: Vec<CoveringAnswer>,
    /// Number of payments that cover a part of the order.
    payments: usize,
    /// True if all payments of the order could be read.
    is_complete: bool,
}

/// Payment that covers a part of an order.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CoveringPayment")]
struct CoveringAnswer {
    payment_id: PaymentId,
    /// Version of the payment.
    #[schemars(range(min = 1))]
    version: u64,
    status: PaymentStatus,
    /// Amount that counts, in minor units of the order's currency.
    #[schemars(range(min = 1))]
    minor: i64,
}

impl From<Coverage> for CoverageAnswer {
    fn from(coverage: Coverage) -> Self {
        let covered_by = coverage.covered_by.into_iter().map(|payment| CoveringAnswer {
            payment_id: payment.payment_id,
            version: payment.version,
            status: payment.status,
            minor: payment.minor,
        });
        Self {
            covered: coverage.covered,
            overpaid: coverage.overpaid,
            covered_by: covered_by.collect(),
            payments: coverage.payments,
            is_complete: coverage.is_complete,
        }
    }
}

impl OrderAnswer {
    pub(crate) fn new(order: Order, coverage: Coverage) -> Self {
        let based_on = order.decision.based_on.into_iter().take(Decision::BASED_ON_MAX);
        let based_on = based_on.map(|payment| BasedOnAnswer {
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
                payments: order.decision.payments,
                is_complete: order.decision.is_complete,
            },
            coverage: coverage.into(),
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

/// One page of the payments of one order in the read model, sorted by id.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StoredPayments")]
pub(crate) struct PaymentsAnswer {
    order_id: OrderId,
    payments: Vec<PaymentAnswer>,
    /// True if every payment of the page could be read. Otherwise the stored copy of at least one cannot be decoded, and
    /// `payments` is without it.
    is_complete: bool,
    /// Reference to the next page, relative to the URL of the request. Missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<NextPage>")]
    next: Option<NextPage>,
}

/// Payment in the read model, with its projection lag and age.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StoredPayment")]
struct PaymentAnswer {
    // The complete payment info of the event contract.
    #[serde(flatten)]
    payment: PaymentInfo,
    /// Time at which Orders received this version, before it stored it.
    received_at: Timestamp,
    /// Delay in milliseconds from `updated_at` to `received_at`: publishing and delivery. The metric `ProjectionLag` also
    /// counts the write.
    received_after_ms: u64,
    /// Age in milliseconds, from `updated_at` to this response.
    age_ms: u64,
}

impl PaymentsAnswer {
    pub(crate) fn new(order_id: OrderId, page: PaymentsPage, next: Option<NextPage>, now: Timestamp) -> Self {
        let payments = page.payments.into_iter().map(|stored| PaymentAnswer::new(stored, now)).collect();
        Self { order_id, payments, is_complete: page.unreadable == 0, next }
    }
}

impl PaymentAnswer {
    fn new(stored: PaymentCopy, now: Timestamp) -> Self {
        let received_after_ms = stored.received_after_ms();
        let PaymentCopy { mut payment, received_at } = stored;
        // Longer texts were accepted once. With their bounds, the largest page fits a response of Lambda.
        payment.decline = payment.decline.map(Decline::cut);
        Self { received_at, received_after_ms, age_ms: now.ms_since(payment.updated_at), payment }
    }
}
