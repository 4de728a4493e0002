//! Prices and totals of an order.

use std::borrow::Cow;
use std::fmt;

use payment_events::{Currency, Money};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An amount of zero or more in the currency's minor unit: a price, a total, or a part of a total. The amount of a
/// payment is [`Money`], which is never zero.
///
/// As JSON: `{"minor":0,"currency":"EUR"}`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawPrice", into = "RawPrice")]
pub struct Price {
    minor: i64,
    currency: Currency,
}

/// An amount of zero or more in minor units, and its currency.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Price")]
struct RawPrice {
    #[schemars(schema_with = "Price::minor_schema")]
    minor: i64,
    currency: Currency,
}

/// The amount is negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must not be negative")]
pub struct InvalidPrice;

impl Price {
    /// Creates an amount of `minor` units. Fails if `minor` is negative.
    pub fn new(minor: i64, currency: Currency) -> Result<Self, InvalidPrice> {
        if minor < 0 { Err(InvalidPrice) } else { Ok(Self { minor, currency }) }
    }

    /// Returns nothing, in this currency.
    pub(crate) fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Returns the amount in minor units, at least 0.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// Returns the currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Returns the price of `count` units added to this amount, or `None` if the result exceeds `i64::MAX`. The caller
    /// checks that the currencies are equal.
    pub(crate) fn checked_add(self, price: Self, count: u32) -> Option<Self> {
        let cost = price.minor.checked_mul(i64::from(count))?;
        Some(Self { minor: self.minor.checked_add(cost)?, ..self })
    }

    /// Returns the JSON Schema of an amount in minor units.
    pub fn minor_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Amount in the currency's minor unit: cents for EUR, yen for JPY.",
            "type": "integer",
            "format": "int64",
            "minimum": 0,
            "maximum": i64::MAX,
            "examples": [1299],
        })
    }
}

impl TryFrom<RawPrice> for Price {
    type Error = InvalidPrice;

    fn try_from(raw: RawPrice) -> Result<Self, InvalidPrice> {
        Self::new(raw.minor, raw.currency)
    }
}

impl From<Price> for RawPrice {
    fn from(price: Price) -> Self {
        Self { minor: price.minor, currency: price.currency }
    }
}

impl JsonSchema for Price {
    fn schema_name() -> Cow<'static, str> {
        RawPrice::schema_name()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        RawPrice::json_schema(schemas)
    }
}

impl From<Money> for Price {
    fn from(money: Money) -> Self {
        Self { minor: money.minor(), currency: money.currency() }
    }
}

impl fmt::Debug for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.minor, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_zero_or_more() {
        let currency = "EUR".parse().unwrap();
        assert_eq!(Price::new(-1, currency), Err(InvalidPrice));
        assert_eq!(Price::new(0, currency).unwrap(), Price::zero(currency));
        assert_eq!(Price::new(i64::MAX, currency).unwrap().minor(), i64::MAX);
    }
}
