//! What is said over HTTP.

use http_problems::Problem;
use http_requests::{JsonBody, Object};
use payment_events::{Currency, Decline, InvalidMoney, Money, OrderId, PaymentId, Timestamp};
use payments::{Payment, PaymentToken, Status};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

/// A payment to be made. Unknown fields are refused: one that is misspelt must not be lost in silence.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentBody {
    pub(crate) order_id: OrderId,
    pub(crate) amount: Object<Amount>,
    pub(crate) method: Object<Method>,
}

/// What is paid with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Method {
    #[serde(deserialize_with = "token")]
    #[schemars(with = "PaymentToken")]
    pub(crate) token: PaymentToken,
}

fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PaymentToken, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

// The contract's own reading lets unknown fields pass.
/// An amount above zero, whole: `1299`, and not `1299.0`. Unknown fields are refused.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Amount {
    #[schemars(schema_with = "Money::minor_schema")]
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

/// How much to capture or refund: all there is, where the amount is left out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartBody {
    // Not `null`: what was meant as a part must not become the whole.
    #[serde(default, deserialize_with = "present")]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<Amount>")]
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

/// Nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmptyBody {}

/// The query of `GET /payments`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByOrder {
    /// Whose payments.
    pub(crate) order_id: OrderId,
}

/// A payment, as callers see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Payment")]
pub(crate) struct PaymentView {
    payment_id: PaymentId,
    /// The order it pays for.
    order_id: OrderId,
    #[schemars(with = "Status")]
    status: String,
    /// What was asked for.
    amount: Money,
    /// What was captured, in minor units of `amount`'s currency: 0 to `amount`.
    #[schemars(range(min = 0))]
    captured_minor: i64,
    /// What was refunded, in minor units of `amount`'s currency: 0 to `captured_minor`.
    #[schemars(range(min = 0))]
    refunded_minor: i64,
    /// Why the processor declined; present exactly when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<Decline>")]
    decline: Option<Decline>,
    /// 0 while processing, then one more for each published state. The `ETag` in quotes.
    version: u64,
    /// When the payment was accepted.
    created_at: Timestamp,
    /// When this version came about.
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
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PaymentList {
    pub(crate) payments: Vec<PaymentView>,
}
