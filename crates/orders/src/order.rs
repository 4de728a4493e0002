//! An order, and what was decided about it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use payment_events::{Money, OrderId, TextRule, Timestamp, text_output, text_type};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{Decision, Evidence, Lines, PaymentRead, Verdict, decide};

text_type! {
    /// Who orders: 1 to [`CustomerId::LENGTH_MAX`] characters of `A-Za-z0-9_-`.
    #[derive(Debug)]
    CustomerId: TextRule { prefix: "", class: "A-Za-z0-9_-", length_max: Self::LENGTH_MAX },
    schema: "Who orders: letters, digits, _ and -.", example: "cust-7",
    /// The text is not 1 to 64 characters of `A-Za-z0-9_-`.
    error InvalidCustomerId: "must be 1 to {} characters of A-Z, a-z, 0-9, _ and -", CustomerId::LENGTH_MAX,
}
text_output!(CustomerId);

impl CustomerId {
    /// The longest customer id, in characters.
    pub const LENGTH_MAX: usize = 64;
}

/// What a customer asks for. Two requests under one order id must be equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRequest {
    /// Chosen by the client before paying.
    pub order_id: OrderId,
    /// Who orders.
    pub customer_id: CustomerId,
    /// What.
    pub lines: Lines,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// Its payments have never covered it yet.
    AwaitingPayment,
    /// Its payments cover it.
    Accepted,
    /// It was accepted, and its payments cover it no longer.
    OnHold,
}

/// The text names none of the values there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {0}")]
pub struct UnknownName(pub(crate) &'static str);

impl OrderStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::AwaitingPayment, Self::Accepted, Self::OnHold];

    /// The status as it is on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingPayment => "awaiting_payment",
            Self::Accepted => "accepted",
            Self::OnHold => "on_hold",
        }
    }
}

impl FromStr for OrderStatus {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or(UnknownName("awaiting_payment, accepted and on_hold"))
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl JsonSchema for OrderStatus {
    fn schema_name() -> Cow<'static, str> {
        "OrderStatus".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Where the order stands.",
            "type": "string",
            "enum": Self::ALL.map(Self::as_str),
        })
    }
}

/// Whether the goods are on their way. It starts once, and an order on hold does not unstart it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fulfilment {
    /// Not yet.
    NotStarted,
    /// Since the order was first accepted.
    Started {
        /// When that was.
        at: Timestamp,
    },
}

/// An order as of one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Which order.
    pub order_id: OrderId,
    /// Who ordered.
    pub customer_id: CustomerId,
    /// What.
    pub lines: Lines,
    /// Where it stands.
    pub status: OrderStatus,
    /// Whether the goods are on their way.
    pub fulfilment: Fulfilment,
    /// What the status was decided on.
    pub decision: Decision,
    /// 1, 2, 3 …: one for each write. A write replaces the revision it was made from, or nothing.
    pub revision: u64,
    /// When the order was placed.
    pub created_at: Timestamp,
    /// When this revision came about.
    pub updated_at: Timestamp,
}

impl Order {
    /// The order that `request` asks for, decided on `evidence`.
    pub fn place(request: OrderRequest, evidence: Evidence<'_>, now: Timestamp) -> Self {
        let order = Self::undecided(request, now);
        order.with(decide(&order, evidence, now))
    }

    fn undecided(request: OrderRequest, now: Timestamp) -> Self {
        let OrderRequest { order_id, customer_id, lines } = request;
        Self {
            order_id,
            customer_id,
            lines,
            status: OrderStatus::AwaitingPayment,
            fulfilment: Fulfilment::NotStarted,
            decision: Decision { read: PaymentRead::Local, decided_at: now, based_on: Vec::new() },
            revision: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// The next revision, if the evidence changes the order's status; `None` if it does not.
    ///
    /// That other payments lead to the same status is no reason to write.
    pub fn settled(&self, evidence: Evidence<'_>, now: Timestamp) -> Option<Self> {
        let verdict = decide(self, evidence, now);
        // A clock that went back does not take the order with it.
        let updated_at = now.max(self.updated_at);
        (verdict.status != self.status).then(|| Self { revision: self.revision + 1, updated_at, ..self.with(verdict) })
    }

    /// The order as it is to be shown beside these payments.
    ///
    /// One that is accepted shows what it was accepted on. One that is not shows what keeps it from being accepted now:
    /// a payment declined since it was last written, for example.
    #[must_use]
    pub fn reviewed(self, evidence: Evidence<'_>, now: Timestamp) -> Self {
        let verdict = decide(&self, evidence, now);
        if self.status == OrderStatus::Accepted || verdict.status != self.status { self } else { self.with(verdict) }
    }

    /// What the lines come to.
    pub fn total(&self) -> Money {
        self.lines.total()
    }

    /// Whether `request` asks for this very order.
    pub fn is_asked_for_by(&self, request: &OrderRequest) -> bool {
        let OrderRequest { order_id, customer_id, lines } = request;
        (&self.order_id, &self.customer_id, &self.lines) == (order_id, customer_id, lines)
    }

    fn with(&self, verdict: Verdict) -> Self {
        let Verdict { status, fulfilment, decision } = verdict;
        Self { status, fulfilment, decision, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customer_ids_hold_1_to_64_plain_characters() {
        for good in ["a", "cust_42", &"x".repeat(64)] {
            assert_eq!(good.parse::<CustomerId>().unwrap().as_str(), good);
        }
        for bad in ["", &"x".repeat(65), "a b", "a@b", "é"] {
            assert_eq!(bad.parse::<CustomerId>(), Err(InvalidCustomerId), "{bad:?}");
        }
    }

    #[test]
    fn names_read_back() {
        for status in OrderStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert_eq!("local".parse(), Ok(PaymentRead::Local));
        assert!("lost".parse::<OrderStatus>().is_err());
        assert!("nearby".parse::<PaymentRead>().is_err());
    }
}
