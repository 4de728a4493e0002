//! DynamoDB items, as the functions write them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// Constant used for all times: formatting the time is not part of the baseline.
pub(crate) const NOW: &str = "2026-11-22T20:00:00.123Z";

/// An item with these attributes.
pub(crate) fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(crate) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Attribute value of an amount of money.
pub(crate) fn money(minor: i64, currency: impl Into<String>) -> AttributeValue {
    AttributeValue::M(item([("minor", number(minor)), ("currency", text(currency))]))
}
