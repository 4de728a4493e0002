//! An order, and what was decided about it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use payment_events::{Money, OrderId, PaymentInfo, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::decide::decide_knowing;
use crate::{Decision, Lines, PaymentRead, StoredPayment, decide};

/// Who orders: 1 to [`CustomerId::LENGTH_MAX`] characters of `A-Za-z0-9_-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerId(String);

/// The text is not 1 to 64 characters of `A-Za-z0-9_-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {} characters of A-Z, a-z, 0-9, _ and -", CustomerId::LENGTH_MAX)]
pub struct InvalidCustomerId;

impl CustomerId {
    /// The longest customer id, in characters.
    pub const LENGTH_MAX: usize = 64;

    /// The id as it is on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CustomerId {
    type Err = InvalidCustomerId;

    fn from_str(text: &str) -> Result<Self, InvalidCustomerId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let bounded = (1..=Self::LENGTH_MAX).contains(&text.len());
        if bounded && text.bytes().all(allowed) { Ok(Self(text.to_owned())) } else { Err(InvalidCustomerId) }
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for CustomerId {
    fn schema_name() -> Cow<'static, str> {
        "CustomerId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Who orders: letters, digits, _ and -.",
            "type": "string",
            "pattern": format!("^[A-Za-z0-9_-]{{1,{}}}$", Self::LENGTH_MAX),
            "minLength": 1,
            "maxLength": Self::LENGTH_MAX,
            "examples": ["cust-7"],
        })
    }
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
    /// The order that `request` asks for, decided on the payments that Orders holds.
    pub fn place(request: OrderRequest, payments: &[StoredPayment], now: Timestamp) -> Self {
        let order = Self::undecided(request, now);
        order.with(decide(&order, payments, now))
    }

    /// The order that `request` asks for, decided on what Payments has just said.
    pub fn place_asking(request: OrderRequest, asked: &[PaymentInfo], now: Timestamp) -> Self {
        let order = Self::undecided(request, now);
        order.with(decide_knowing(&order, &[], Some(asked), now))
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

    /// The next revision, where these payments change where the order stands; `None` where they do not.
    ///
    /// That other payments lead to the same status is no reason to write.
    pub fn settled(&self, payments: &[StoredPayment], now: Timestamp) -> Option<Self> {
        self.settled_knowing(payments, None, now)
    }

    /// The same, on what Payments has just said as well, where it was `asked`.
    pub(crate) fn settled_knowing(
        &self,
        payments: &[StoredPayment],
        asked: Option<&[PaymentInfo]>,
        now: Timestamp,
    ) -> Option<Self> {
        let verdict = decide_knowing(self, payments, asked, now);
        // A clock that went back does not take the order with it.
        let updated_at = now.max(self.updated_at);
        (verdict.status != self.status).then(|| Self { revision: self.revision + 1, updated_at, ..self.with(verdict) })
    }

    /// The order as it is to be shown beside these payments.
    ///
    /// One that is accepted shows what it was accepted on. One that is not shows what keeps it from being accepted now:
    /// a payment declined since it was last written, for example.
    #[must_use]
    pub fn reviewed(self, payments: &[StoredPayment], now: Timestamp) -> Self {
        let verdict = decide(&self, payments, now);
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

    fn with(&self, verdict: crate::Verdict) -> Self {
        let crate::Verdict { status, fulfilment, decision } = verdict;
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
