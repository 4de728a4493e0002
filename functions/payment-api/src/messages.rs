//! Request and response bodies.

use http_pages::{Cursor, Limit, NextPage};
use http_problems::Problem;
use http_requests::{JsonBody, Object};
use payment_events::{Currency, Decline, InvalidMoney, Money, OrderId, PaymentId, Timestamp};
use payments::{Payment, PaymentToken, Status};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

/// A payment to make. Unknown fields are rejected, so that a misspelt one is not silently ignored.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentBody {
    pub(crate) order_id: OrderId,
    pub(crate) amount: Object<NewAmount>,
    pub(crate) method: Object<Method>,
}

/// Means of payment.
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

/// An amount above zero to pay, as an integer: `1299`, not `1299.0`. Unknown fields are rejected.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAmount {
    #[schemars(schema_with = "Money::minor_schema")]
    minor: i64,
    // A retry of an old request may name a currency that has been withdrawn since, so any currency is parsed.
    #[schemars(schema_with = "Currency::in_use_schema")]
    currency: Currency,
}

impl NewAmount {
    /// Returns the amount, or a problem that points to the invalid field.
    pub(crate) fn into_money(self) -> Result<Money, Problem> {
        Amount { minor: self.minor, currency: self.currency }.into_money()
    }
}

// `Money` itself ignores unknown fields, as the event contract requires.
/// An amount above zero, as an integer: `1299`, not `1299.0`. Unknown fields are rejected.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Amount {
    #[schemars(schema_with = "Money::minor_schema")]
    minor: i64,
    currency: Currency,
}

impl Amount {
    /// Returns the amount, or a problem that points to the invalid field.
    pub(crate) fn into_money(self) -> Result<Money, Problem> {
        let money = Money::new(self.minor, self.currency);
        money.map_err(|error: InvalidMoney| Problem::invalid("/amount/minor", error.to_string()))
    }
}

/// Amount to capture or refund. Without `amount`, all that is available.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartBody {
    // Rejects `null`: a change meant as partial must not apply to the whole amount.
    #[serde(default, deserialize_with = "present")]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<Amount>")]
    amount: Option<Object<Amount>>,
}

impl PartBody {
    /// Returns the requested amount, or a problem that points to the invalid field.
    pub(crate) fn money(body: Option<JsonBody<Self>>) -> Result<Option<Money>, Problem> {
        body.and_then(|JsonBody(body)| body.amount).map(|Object(amount)| amount.into_money()).transpose()
    }
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Object<Amount>>, D::Error> {
    Object::deserialize(deserializer).map(Some)
}

/// An empty object.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmptyBody {}

/// The query of `GET /payments`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByOrder {
    /// Order whose payments are listed.
    pub(crate) order_id: OrderId,
    /// Maximum number of payments on the page.
    #[serde(default)]
    pub(crate) limit: Limit,
    /// Position after which the page begins, from `next` of the page before. Without it, the first page is returned.
    #[serde(default)]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<Cursor>")]
    pub(crate) cursor: Option<Cursor>,
}

/// A payment as of one version.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Payment")]
pub(crate) struct PaymentView {
    payment_id: PaymentId,
    /// Order that the payment is for.
    order_id: OrderId,
    #[schemars(with = "Status")]
    status: String,
    /// Amount requested.
    amount: Money,
    /// Amount captured, in minor units of `amount`'s currency: 0 to `amount`.
    #[schemars(range(min = 0))]
    captured_minor: i64,
    /// Amount refunded, in minor units of `amount`'s currency: 0 to `captured_minor`.
    #[schemars(range(min = 0))]
    refunded_minor: i64,
    /// Reason for the decline. Present if and only if the processor declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<Decline>")]
    decline: Option<Decline>,
    /// 0 while processing, then incremented with each published state. In quotes, it is the `ETag`.
    version: u64,
    /// Time at which the payment was accepted.
    created_at: Timestamp,
    /// Time at which this version was created.
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
            // Longer texts were accepted once. With their bounds, the largest page fits a response of Lambda.
            decline: payment.decline.map(Decline::cut),
            version: payment.version,
            created_at: payment.created_at,
            updated_at: payment.updated_at,
        }
    }
}

/// One page of the payments of one order, sorted by id.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PaymentList {
    pub(crate) payments: Vec<PaymentView>,
    /// Reference to the next page, relative to the URL of the request. Missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<NextPage>")]
    pub(crate) next: Option<NextPage>,
}
