//! Request body of `POST /orders` and its conversion to an [`OrderRequest`], and the query of a list.

use std::fmt::Display;
use std::str::FromStr;

use http_pages::{Cursor, Limit};
use http_problems::Problem;
use http_requests::Object;
use orders::{CustomerId, InvalidLines, Line, Lines, OrderRequest, Price, Quantity, Sku};
use payment_events::{Currency, OrderId};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Order to place. Unknown fields are rejected, so that a misspelt field is not silently ignored.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderBody {
    order_id: OrderId,
    #[serde(deserialize_with = "parsed")]
    customer_id: CustomerId,
    /// Lines in one currency. Their total is at most 9223372036854775807 minor units.
    #[schemars(length(min = 1, max = Lines::COUNT_MAX))]
    lines: Vec<Object<LineBody>>,
}

/// One line of an order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LineBody {
    #[serde(deserialize_with = "parsed")]
    sku: Sku,
    /// Number of units as an integer: `1`, not `1.0`.
    #[schemars(with = "Quantity")]
    quantity: u32,
    /// Price of one unit.
    unit_price: Object<UnitPrice>,
}

/// An amount of zero (a gift) or more, as an integer: `1299`, not `1299.0`. Unknown fields are rejected.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UnitPrice {
    #[schemars(schema_with = "Price::minor_schema")]
    minor: i64,
    // A repeated order may name a currency that has been withdrawn since, so any currency is parsed.
    #[schemars(schema_with = "Currency::in_use_schema")]
    currency: Currency,
}

/// The query of `GET /orders/{order_id}/payments`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentsQuery {
    /// Maximum number of payments on the page.
    #[serde(default)]
    pub(crate) limit: Limit,
    /// Position after which the page begins, from `next` of the page before. Without it, the first page is returned.
    #[serde(default)]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<Cursor>")]
    pub(crate) cursor: Option<Cursor>,
}

impl OrderBody {
    /// Converts to an order request. The problem points to the first invalid value.
    pub(crate) fn into_request(self) -> Result<OrderRequest, Problem> {
        let lines = self.lines.into_iter().enumerate().map(|(place, Object(line))| line.into_line(place));
        let lines = Lines::new(lines.collect::<Result<_, _>>()?).map_err(invalid_lines)?;
        Ok(OrderRequest { order_id: self.order_id, customer_id: self.customer_id, lines })
    }
}

impl LineBody {
    fn into_line(self, place: usize) -> Result<Line, Problem> {
        let invalid =
            |field: &str, error: &dyn Display| Problem::invalid(format!("/lines/{place}/{field}"), error.to_string());
        let quantity = Quantity::new(self.quantity).map_err(|error| invalid("quantity", &error))?;
        let Object(UnitPrice { minor, currency }) = self.unit_price;
        let unit_price = Price::new(minor, currency).map_err(|error| invalid("unit_price/minor", &error))?;
        Ok(Line { sku: self.sku, quantity, unit_price })
    }
}

fn invalid_lines(error: InvalidLines) -> Problem {
    let pointer = match error {
        InvalidLines::Count => "/lines".to_owned(),
        InvalidLines::MixedCurrencies { line } => format!("/lines/{line}/unit_price/currency"),
        InvalidLines::Overflow { line } => format!("/lines/{line}"),
    };
    Problem::invalid(pointer, error.to_string())
}

fn parsed<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}
