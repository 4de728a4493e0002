//! The order, with its status and fulfilment.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use payment_events::{OrderId, TextRule, Timestamp, text_output, text_type};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{Decision, Evidence, Lines, PaymentRead, Price, Verdict, decide};

text_type! {
    /// Id of a customer: 1 to [`CustomerId::LENGTH_MAX`] characters of `A-Za-z0-9_-`.
    #[derive(Debug)]
    CustomerId: TextRule { prefix: "", class: "A-Za-z0-9_-", length_max: Self::LENGTH_MAX },
    schema: "Id of the customer: letters, digits, _ and -.", example: "cust-7",
    /// The text is not 1 to 64 characters of `A-Za-z0-9_-`.
    error InvalidCustomerId: "must be 1 to {} characters of A-Z, a-z, 0-9, _ and -", CustomerId::LENGTH_MAX,
}
text_output!(CustomerId);

impl CustomerId {
    /// Maximum length, in characters.
    pub const LENGTH_MAX: usize = 64;
}

/// Request to place an order. Requests with the same order id must be equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRequest {
    /// Id of the order, chosen by the client before paying.
    pub order_id: OrderId,
    /// Id of the customer.
    pub customer_id: CustomerId,
    /// Lines ordered.
    pub lines: Lines,
}

/// Status of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// Its payments do not cover it and never have.
    AwaitingPayment,
    /// Its payments cover it.
    Accepted,
    /// It was accepted, and its payments no longer cover it.
    OnHold,
}

/// The text is not a known name; the message lists the known ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {0}")]
pub struct UnknownName(pub(crate) &'static str);

impl OrderStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::AwaitingPayment, Self::Accepted, Self::OnHold];

    /// Returns the name used in JSON and in the table.
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
            "description": "Status of the order.",
            "type": "string",
            "enum": Self::ALL.map(Self::as_str),
        })
    }
}

/// Fulfilment of an order. It starts once; an order that goes on hold keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fulfilment {
    /// The order has never been accepted.
    NotStarted,
    /// The order has been accepted at least once.
    Started {
        /// Time of the first acceptance.
        at: Timestamp,
    },
}

/// An order at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Id of the order, chosen by the client.
    pub order_id: OrderId,
    /// Id of the customer.
    pub customer_id: CustomerId,
    /// Lines ordered.
    pub lines: Lines,
    /// Status of the order.
    pub status: OrderStatus,
    /// Fulfilment of the order.
    pub fulfilment: Fulfilment,
    /// Payments behind the status.
    pub decision: Decision,
    /// Revision, from 1, incremented by each write. A write is conditional on the revision it was computed from
    /// (optimistic concurrency).
    pub revision: u64,
    /// Time at which the order was placed.
    pub created_at: Timestamp,
    /// Time of this revision.
    pub updated_at: Timestamp,
}

impl Order {
    /// Creates the order of `request` with its status decided on `evidence`.
    pub fn place(request: OrderRequest, evidence: Evidence<'_>, now: Timestamp) -> Self {
        let order = Self::undecided(request, now);
        let verdict = decide(&order, evidence, now);
        order.with(&verdict)
    }

    fn undecided(request: OrderRequest, now: Timestamp) -> Self {
        let OrderRequest { order_id, customer_id, lines } = request;
        Self {
            order_id,
            customer_id,
            lines,
            status: OrderStatus::AwaitingPayment,
            fulfilment: Fulfilment::NotStarted,
            decision: Decision {
                read: PaymentRead::Local,
                decided_at: now,
                based_on: Vec::new(),
                payments: 0,
                is_complete: true,
            },
            revision: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the next revision if the evidence changes the order's status, and `None` otherwise.
    ///
    /// Different payments with the same resulting status do not cause a write.
    pub fn settled(&self, evidence: Evidence<'_>, now: Timestamp) -> Option<Self> {
        self.next(&decide(self, evidence, now), now)
    }

    /// Returns the next revision if the verdict changes the order's status, and `None` otherwise.
    pub(crate) fn next(&self, verdict: &Verdict, now: Timestamp) -> Option<Self> {
        // `updated_at` never decreases, even if the clock was set back.
        let updated_at = now.max(self.updated_at);
        let revision = self.revision.saturating_add(1);
        (verdict.status != self.status).then(|| Self { revision, updated_at, ..self.with(verdict) })
    }

    /// Returns the order as it is shown to a client.
    ///
    /// An accepted order shows the payments it was accepted on. Any other order shows its current payments, so that a
    /// payment declined since the last write is visible. Either shows whether all its payments could be read now. The
    /// payments that cover an accepted order now are its [`Coverage`](crate::Coverage).
    #[must_use]
    pub fn reviewed(self, evidence: Evidence<'_>, now: Timestamp) -> Self {
        let verdict = decide(&self, evidence, now);
        self.shown(&verdict)
    }

    pub(crate) fn shown(self, verdict: &Verdict) -> Self {
        if self.status == OrderStatus::Accepted || verdict.status != self.status {
            let decision = Decision { is_complete: verdict.decision.is_complete, ..self.decision };
            Self { decision, ..self }
        } else {
            self.with(verdict)
        }
    }

    /// Returns the total of the lines.
    pub fn total(&self) -> Price {
        self.lines.total()
    }

    /// Returns true if `request` is equal to the request that placed this order.
    pub fn is_asked_for_by(&self, request: &OrderRequest) -> bool {
        let OrderRequest { order_id, customer_id, lines } = request;
        (&self.order_id, &self.customer_id, &self.lines) == (order_id, customer_id, lines)
    }

    fn with(&self, verdict: &Verdict) -> Self {
        let Verdict { status, fulfilment, decision, .. } = verdict.clone();
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
    fn names_round_trip() {
        for status in OrderStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert_eq!("local".parse(), Ok(PaymentRead::Local));
        assert!("lost".parse::<OrderStatus>().is_err());
        assert!("nearby".parse::<PaymentRead>().is_err());
    }
}
