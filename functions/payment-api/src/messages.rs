//! What is said over HTTP.

use http_problems::{JsonBody, Object, Problem};
use payment_events::{Currency, Decline, InvalidMoney, Money, OrderId, PaymentId, Timestamp};
use payments::{Payment, PaymentToken};
use serde::{Deserialize, Deserializer, Serialize};

/// The body of `POST /payments`. Unknown fields are refused: one that is misspelt must not be lost in silence.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentBody {
    pub(crate) order_id: OrderId,
    pub(crate) amount: Object<Amount>,
    pub(crate) method: Object<Method>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Method {
    #[serde(deserialize_with = "token")]
    pub(crate) token: PaymentToken,
}

fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PaymentToken, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// An amount without unknown fields, where the contract's own reading lets them pass.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Amount {
    minor: i64,
    currency: Currency,
}

impl Amount {
    /// The amount, or a problem that points to what is wrong.
    pub(crate) fn into_money(self) -> Result<Money, Problem> {
        let money = Money::new(self.minor, self.currency);
        money.map_err(|error: InvalidMoney| Problem::invalid("/amount/minor", error.to_string()))
    }
}

/// The body of a capture or a refund, which may be left out like its amount: then it is about all there is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartBody {
    /// Not `null`: what was meant as a part must not become the whole.
    #[serde(default, deserialize_with = "present")]
    amount: Option<Object<Amount>>,
}

impl PartBody {
    /// The amount asked for, or a problem that points to what is wrong.
    pub(crate) fn money(body: Option<JsonBody<Self>>) -> Result<Option<Money>, Problem> {
        body.and_then(|JsonBody(body)| body.amount).map(|Object(amount)| amount.into_money()).transpose()
    }
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Object<Amount>>, D::Error> {
    Object::deserialize(deserializer).map(Some)
}

/// The body of a void, which may be left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmptyBody {}

/// The query of `GET /payments`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByOrder {
    pub(crate) order_id: OrderId,
}

/// A payment, as callers see it.
#[derive(Debug, Serialize)]
pub(crate) struct PaymentView {
    payment_id: PaymentId,
    order_id: OrderId,
    status: String,
    amount: Money,
    captured_minor: i64,
    refunded_minor: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline: Option<Decline>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Payment> for PaymentView {
    fn from(payment: Payment) -> Self {
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
        }
    }
}

/// The payments of one order, oldest first.
#[derive(Debug, Serialize)]
pub(crate) struct PaymentList {
    pub(crate) payments: Vec<PaymentView>,
}
