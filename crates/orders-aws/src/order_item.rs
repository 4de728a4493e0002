//! DynamoDB item of an order.

use std::fmt::Display;
use std::str::FromStr;

use orders::{BasedOn, Decision, Fulfilment, Line, Lines, Order, Price, Quantity};
use payment_events::{OrderId, PaymentId, PaymentStatus, Timestamp};
use serde::{Deserialize, Serialize};

/// The item does not have the attributes that its key implies: a bug, or a foreign write.
#[derive(Debug, thiserror::Error)]
#[error("invalid item in the orders table: {0}")]
pub(crate) struct InvalidItem(pub(crate) String);

/// Sort key of an order.
pub(crate) const ORDER: &str = "order";

/// Attributes of the item. `started_at` is present once fulfilment has started. `total` is written for people who read
/// the table; the code computes the total from `lines`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OrderItem {
    order_id: OrderId,
    item: String,
    customer_id: String,
    lines: Vec<LineItem>,
    total: Price,
    status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    decision: DecisionItem,
    revision: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct LineItem {
    sku: String,
    quantity: u32,
    unit_price: Price,
}

#[derive(Debug, Serialize, Deserialize)]
struct DecisionItem {
    read: String,
    decided_at: Timestamp,
    based_on: Vec<BasedOnItem>,
    /// Absent in orders stored before it was introduced, whose decisions recorded all payments or 100 of them.
    #[serde(default)]
    payments: usize,
    #[serde(default = "is_complete_by_default")]
    is_complete: bool,
}

fn is_complete_by_default() -> bool {
    true
}

#[derive(Debug, Serialize, Deserialize)]
struct BasedOnItem {
    payment_id: PaymentId,
    version: u64,
    status: PaymentStatus,
    /// Missing in items of earlier releases. Those were decided on the read model, which has the same or a newer
    /// version of each payment, so the default is never used.
    #[serde(default)]
    covers_minor: i64,
    age_ms: u64,
}

impl From<&Order> for OrderItem {
    fn from(order: &Order) -> Self {
        let lines = order.lines.as_slice().iter().map(|line| LineItem {
            sku: line.sku.to_string(),
            quantity: line.quantity.get(),
            unit_price: line.unit_price,
        });
        Self {
            order_id: order.order_id.clone(),
            item: ORDER.to_owned(),
            customer_id: order.customer_id.to_string(),
            lines: lines.collect(),
            total: order.total(),
            status: order.status.to_string(),
            started_at: match order.fulfilment {
                Fulfilment::NotStarted => None,
                Fulfilment::Started { at } => Some(at),
            },
            decision: DecisionItem::from(&order.decision),
            revision: order.revision,
            created_at: order.created_at,
            updated_at: order.updated_at,
        }
    }
}

impl From<&Decision> for DecisionItem {
    fn from(decision: &Decision) -> Self {
        let based_on = decision.based_on.iter().map(|payment| BasedOnItem {
            payment_id: payment.payment_id.clone(),
            version: payment.version,
            status: payment.status,
            covers_minor: payment.covers_minor,
            age_ms: payment.age_ms,
        });
        Self {
            read: decision.read.as_str().to_owned(),
            decided_at: decision.decided_at,
            based_on: based_on.collect(),
            payments: decision.payments,
            is_complete: decision.is_complete,
        }
    }
}

impl TryFrom<OrderItem> for Order {
    type Error = InvalidItem;

    fn try_from(item: OrderItem) -> Result<Self, InvalidItem> {
        let lines = item.lines.into_iter().map(Line::try_from).collect::<Result<_, _>>()?;
        Ok(Self {
            order_id: item.order_id,
            customer_id: parse("customer_id", &item.customer_id)?,
            lines: Lines::new(lines).map_err(|error| invalid("lines", &error))?,
            status: parse("status", &item.status)?,
            fulfilment: item.started_at.map_or(Fulfilment::NotStarted, |at| Fulfilment::Started { at }),
            decision: item.decision.try_into()?,
            revision: item.revision,
            created_at: item.created_at,
            updated_at: item.updated_at,
        })
    }
}

impl TryFrom<LineItem> for Line {
    type Error = InvalidItem;

    fn try_from(item: LineItem) -> Result<Self, InvalidItem> {
        let quantity = Quantity::new(item.quantity).map_err(|error| invalid("quantity", &error))?;
        Ok(Self { sku: parse("sku", &item.sku)?, quantity, unit_price: item.unit_price })
    }
}

impl TryFrom<DecisionItem> for Decision {
    type Error = InvalidItem;

    fn try_from(item: DecisionItem) -> Result<Self, InvalidItem> {
        let based_on = item.based_on.into_iter().map(|payment| BasedOn {
            payment_id: payment.payment_id,
            version: payment.version,
            status: payment.status,
            covers_minor: payment.covers_minor,
            age_ms: payment.age_ms,
        });
        let read = parse("decision.read", &item.read)?;
        let based_on: Vec<_> = based_on.collect();
        let (payments, is_complete) = (item.payments.max(based_on.len()), item.is_complete);
        Ok(Self { read, decided_at: item.decided_at, based_on, payments, is_complete })
    }
}

fn parse<T: FromStr<Err: Display>>(attribute: &str, text: &str) -> Result<T, InvalidItem> {
    text.parse().map_err(|error| invalid(attribute, &error))
}

fn invalid(attribute: &str, error: &dyn Display) -> InvalidItem {
    InvalidItem(format!("{attribute} {error}"))
}
