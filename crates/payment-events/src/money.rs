//! Amounts of money: integer minor units and a currency. No floats; all arithmetic is checked.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::text::{json_string, string_schema};

/// An [ISO 4217](https://www.iso.org/iso-4217-currency-codes.html) currency, written as its three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Returns the three-letter code, for example `EUR`.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Fails unless ISO 4217 lists the currency as current and defines its minor unit, without which an amount in minor
    /// units means nothing: XXX and XTS, metals and units of account have none.
    ///
    /// For currencies of new payments and new orders. Events, stored items and requests about an existing payment may
    /// name a currency that has been withdrawn since.
    pub fn check_in_use(self) -> Result<(), CurrencyNotInUse> {
        // The table has VED as the successor of VES. ISO 4217 lists both as current.
        let is_current = self.0.is_superseded().is_none() || self.0 == iso_currency::Currency::VES;
        if is_current && self.0.exponent().is_some() { Ok(()) } else { Err(CurrencyNotInUse) }
    }

    /// Returns the JSON Schema of the currencies that pass [`Currency::check_in_use`].
    pub fn in_use_schema(_: &mut SchemaGenerator) -> Schema {
        let codes =
            all_codes().into_iter().filter(|code| code.parse().is_ok_and(|code: Self| code.check_in_use().is_ok()));
        json_schema!({
            "description": "An ISO 4217 currency in use.",
            "type": "string",
            "enum": codes.collect::<Vec<_>>(),
            "examples": ["EUR"],
        })
    }
}

/// The currency has been withdrawn, or has no minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a currency in use: ISO 4217 has withdrawn this one, or gives it no minor unit")]
pub struct CurrencyNotInUse;

impl FromStr for Currency {
    type Err = InvalidMoney;

    fn from_str(code: &str) -> Result<Self, InvalidMoney> {
        iso_currency::Currency::from_code(code)
            .filter(|currency| currency.code() == code)
            .map(Self)
            .ok_or(InvalidMoney::UnknownCurrency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

json_string!(Currency);
string_schema!(Currency, { "description": "An ISO 4217 currency.", "enum": all_codes(), "examples": ["EUR"] });

/// Lists every code that parses.
fn all_codes() -> Vec<String> {
    let letters = || 'A'..='Z';
    let codes =
        letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| String::from_iter([a, b, c]))));
    codes.filter(|code| code.parse::<Currency>().is_ok()).collect()
}

/// An amount above zero, in the currency's minor unit (cents for EUR, yen for JPY).
///
/// On the wire: `{"minor":1299,"currency":"EUR"}`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawMoney", into = "RawMoney")]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Reason why an amount is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoney {
    /// Zero or negative.
    #[error("must be at least {} minor unit", Money::MINOR_MIN)]
    NotPositive,
    /// Not three capital letters that ISO 4217 lists.
    #[error("must be an ISO 4217 currency code in capital letters, such as EUR")]
    UnknownCurrency,
}

impl Money {
    /// Smallest amount, in minor units.
    pub const MINOR_MIN: i64 = 1;

    /// Creates an amount of `minor` units. Fails unless `minor` is above zero.
    pub fn new(minor: i64, currency: Currency) -> Result<Self, InvalidMoney> {
        if minor < Self::MINOR_MIN {
            return Err(InvalidMoney::NotPositive);
        }
        Ok(Self { minor, currency })
    }

    /// Returns the amount in minor units, at least 1.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// Returns the JSON Schema of an amount in minor units.
    pub fn minor_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Amount in the currency's minor unit: cents for EUR, yen for JPY.",
            "type": "integer",
            "format": "int64",
            "minimum": Self::MINOR_MIN,
            "maximum": i64::MAX,
            "examples": [1299],
        })
    }

    /// Returns the currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Returns the sum, or `None` if the currencies differ or the sum exceeds `i64::MAX`.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        let minor = self.minor.checked_add(other.minor)?;
        Some(Self { minor, ..self })
    }

    /// Returns the amount times `count`, or `None` if `count` is zero or the product exceeds `i64::MAX`.
    #[must_use]
    pub fn checked_mul(self, count: u32) -> Option<Self> {
        let minor = self.minor.checked_mul(i64::from(count))?;
        Self::new(minor, self.currency).ok()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.minor, self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl JsonSchema for Money {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        RawMoney::json_schema(schemas)
    }
}

// Ignores unknown fields, because events are decoded tolerantly. The APIs' request types are strict.
/// An amount above zero in minor units, and its currency.
#[derive(Serialize, Deserialize, JsonSchema)]
struct RawMoney {
    #[schemars(schema_with = "Money::minor_schema")]
    minor: i64,
    currency: Currency,
}

impl TryFrom<RawMoney> for Money {
    type Error = InvalidMoney;

    fn try_from(raw: RawMoney) -> Result<Self, InvalidMoney> {
        Self::new(raw.minor, raw.currency)
    }
}

impl From<Money> for RawMoney {
    fn from(money: Money) -> Self {
        Self { minor: money.minor, currency: money.currency }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn eur(minor: i64) -> Money {
        Money::new(minor, "EUR".parse().unwrap()).unwrap()
    }

    #[test]
    fn currencies_are_iso_4217_codes_in_capital_letters() {
        for code in ["EUR", "USD", "JPY", "BHD", "CLF"] {
            assert_eq!(code.parse::<Currency>().unwrap().code(), code);
        }
        for code in ["", "eur", "Eur", "EU", "EURO", "ZZZ", " EUR"] {
            assert_eq!(code.parse::<Currency>(), Err(InvalidMoney::UnknownCurrency), "{code:?}");
        }
    }

    /// An update of the table that withdraws a currency changes this list.
    #[test]
    fn currencies_that_are_withdrawn_or_have_no_minor_unit_are_not_in_use() {
        let is_in_use = |code: &String| code.parse::<Currency>().unwrap().check_in_use().is_ok();
        let not_in_use: Vec<_> = all_codes().into_iter().filter(|code| !is_in_use(code)).collect();
        let expected = "BGN CUC HRK SLL XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX ZWL";
        assert_eq!(not_in_use.join(" "), expected);
        assert_eq!(serde_json::from_str::<Currency>("\"BGN\"").unwrap().code(), "BGN", "old events stay readable");
    }

    #[test]
    fn amounts_start_at_one_minor_unit() {
        let currency = "EUR".parse().unwrap();
        assert_eq!(Money::new(0, currency), Err(InvalidMoney::NotPositive));
        assert_eq!(Money::new(-1, currency), Err(InvalidMoney::NotPositive));
        assert_eq!(Money::new(i64::MIN, currency), Err(InvalidMoney::NotPositive));
        assert_eq!(Money::new(1, currency).unwrap().minor(), 1);
        assert_eq!(Money::new(i64::MAX, currency).unwrap().minor(), i64::MAX);
    }

    #[test]
    fn amounts_in_different_currencies_are_not_added() {
        let usd = Money::new(1, "USD".parse().unwrap()).unwrap();
        assert_eq!(eur(1).checked_add(usd), None);
    }

    proptest! {
        #[test]
        fn arithmetic_is_exact_or_returns_none(a in 1..=i64::MAX, b in 1..=i64::MAX, count: u32) {
            prop_assert_eq!(eur(a).checked_add(eur(b)).map(Money::minor), a.checked_add(b));
            let product = a.checked_mul(i64::from(count)).filter(|minor| *minor > 0);
            prop_assert_eq!(eur(a).checked_mul(count).map(Money::minor), product);
        }

        #[test]
        fn money_round_trips_through_json(minor in 1..=i64::MAX) {
            let json = serde_json::to_string(&eur(minor)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), eur(minor));
        }
    }
}
