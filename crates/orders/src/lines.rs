//! Order lines, validated together with their total.

use std::borrow::Cow;

use payment_events::{TextRule, text_output, text_type};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::Price;

text_type! {
    /// Stock-keeping unit: 1 to [`Sku::LENGTH_MAX`] visible ASCII characters without spaces.
    #[derive(Debug)]
    Sku: TextRule { prefix: "", class: "!-~", length_max: Self::LENGTH_MAX },
    schema: "Stock-keeping unit ordered: visible ASCII without spaces.", example: "tea",
    /// The text is not 1 to 64 visible ASCII characters.
    error InvalidSku: "must be 1 to {} visible ASCII characters without spaces", Sku::LENGTH_MAX,
}
text_output!(Sku);

impl Sku {
    /// Maximum length, in characters.
    pub const LENGTH_MAX: usize = 64;
}

/// Number of units ordered: 1 to [`Quantity::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity(u32);

/// The count is not 1 to 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {}", Quantity::MAX)]
pub struct InvalidQuantity;

impl Quantity {
    /// Maximum quantity of one line.
    pub const MAX: u32 = 1_000_000;

    /// Checks the bounds.
    pub fn new(count: u32) -> Result<Self, InvalidQuantity> {
        if (1..=Self::MAX).contains(&count) { Ok(Self(count)) } else { Err(InvalidQuantity) }
    }

    /// Returns the number of units.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Number of units ordered.",
            "type": "integer",
            "minimum": 1,
            "maximum": Self::MAX,
            "examples": [1],
        })
    }
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Stock-keeping unit ordered.
    pub sku: Sku,
    /// Number of units.
    pub quantity: Quantity,
    /// Price of one unit. Zero for a gift.
    pub unit_price: Price,
}

/// 1 to [`Lines::COUNT_MAX`] lines in one currency, and their total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    lines: Vec<Line>,
    total: Price,
}

/// Why lines are rejected. `line` is a zero-based index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLines {
    /// There are no lines, or too many.
    #[error("must be 1 to {} lines", Lines::COUNT_MAX)]
    Count,
    /// The line's currency differs from the first line's.
    #[error("must be in the currency of the first line")]
    MixedCurrencies {
        /// Index of the line.
        line: usize,
    },
    /// The total up to and including this line overflows an `i64`.
    #[error("must not raise the total above {} minor units", i64::MAX)]
    Overflow {
        /// Index of the line.
        line: usize,
    },
}

impl Lines {
    /// Maximum number of lines of an order.
    pub const COUNT_MAX: usize = 100;

    /// Checks the lines and computes their total.
    pub fn new(lines: Vec<Line>) -> Result<Self, InvalidLines> {
        let Some(first) = lines.first().filter(|_| lines.len() <= Self::COUNT_MAX) else {
            return Err(InvalidLines::Count);
        };
        let currency = first.unit_price.currency();
        let mut total = Price::zero(currency);
        for (line, Line { quantity, unit_price, .. }) in lines.iter().enumerate() {
            if unit_price.currency() != currency {
                return Err(InvalidLines::MixedCurrencies { line });
            }
            total = total.checked_add(*unit_price, quantity.get()).ok_or(InvalidLines::Overflow { line })?;
        }
        Ok(Self { lines, total })
    }

    /// Returns the lines, in the order of the request.
    pub fn as_slice(&self) -> &[Line] {
        &self.lines
    }

    /// Returns the sum of quantity times unit price. Zero if all lines are gifts.
    pub fn total(&self) -> Price {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(quantity: u32, minor: i64, currency: &str) -> Line {
        Line {
            sku: "tea".parse().unwrap(),
            quantity: Quantity::new(quantity).unwrap(),
            unit_price: Price::new(minor, currency.parse().unwrap()).unwrap(),
        }
    }

    #[test]
    fn skus_are_1_to_64_visible_characters() {
        for good in ["a", "TEA-100g/organic", &"~".repeat(64)] {
            assert_eq!(good.parse::<Sku>().unwrap().as_str(), good);
        }
        for bad in ["", " ", "a b", "é", "a\n", &"x".repeat(65)] {
            assert_eq!(bad.parse::<Sku>(), Err(InvalidSku), "{bad:?}");
        }
    }

    #[test]
    fn quantities_are_1_to_a_million() {
        assert_eq!(Quantity::new(0), Err(InvalidQuantity));
        assert_eq!(Quantity::new(1).unwrap().get(), 1);
        assert_eq!(Quantity::new(1_000_000).unwrap().get(), 1_000_000);
        assert_eq!(Quantity::new(1_000_001), Err(InvalidQuantity));
    }

    #[test]
    fn an_order_has_1_to_100_lines() {
        assert_eq!(Lines::new(vec![]), Err(InvalidLines::Count));
        assert!(Lines::new(vec![line(1, 1, "EUR"); 100]).is_ok());
        assert_eq!(Lines::new(vec![line(1, 1, "EUR"); 101]), Err(InvalidLines::Count));
    }

    #[test]
    fn currencies_do_not_mix() {
        let lines = vec![line(1, 1, "EUR"), line(2, 2, "EUR"), line(1, 1, "USD")];
        assert_eq!(Lines::new(lines), Err(InvalidLines::MixedCurrencies { line: 2 }));
    }

    #[test]
    fn a_total_that_overflows_is_rejected() {
        assert_eq!(Lines::new(vec![line(2, i64::MAX, "EUR")]), Err(InvalidLines::Overflow { line: 0 }));
        let lines = vec![line(1, i64::MAX, "EUR"), line(1, 1, "EUR")];
        assert_eq!(Lines::new(lines), Err(InvalidLines::Overflow { line: 1 }));
        assert_eq!(Lines::new(vec![line(1, i64::MAX, "EUR")]).unwrap().total().minor(), i64::MAX);
    }

    proptest! {
        #[test]
        fn the_total_is_exact_or_rejected(
            parts in prop::collection::vec((1..=Quantity::MAX, 0..=i64::MAX / 1_000), 1..8),
        ) {
            let exact: i128 = parts.iter().map(|(count, minor)| i128::from(*count) * i128::from(*minor)).sum();
            let lines = parts.into_iter().map(|(count, minor)| line(count, minor, "EUR")).collect();
            let total = Lines::new(lines).map(|lines| lines.total().minor()).ok();
            prop_assert_eq!(total, i64::try_from(exact).ok());
        }
    }
}
