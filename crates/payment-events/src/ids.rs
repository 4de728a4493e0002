//! Identifiers. One that exists is valid: it can only be made by parsing.

use std::fmt;
use std::str::FromStr;

use crate::text::{json_string, string_schema};

/// Chosen by the client before paying: 1 to [`OrderId::LENGTH_MAX`] characters of `A-Za-z0-9_-`.
///
/// It is the partition key of the stream, so that all payments of one order arrive in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderId(String);

/// The text is not 1 to 64 characters of `A-Za-z0-9_-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {} characters of A-Z, a-z, 0-9, _ and -", OrderId::LENGTH_MAX)]
pub struct InvalidOrderId;

impl OrderId {
    /// The longest order id, in characters.
    pub const LENGTH_MAX: usize = 64;

    /// The id as it is on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrderId {
    type Err = InvalidOrderId;

    fn from_str(text: &str) -> Result<Self, InvalidOrderId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if text.is_empty() || text.len() > Self::LENGTH_MAX || !text.bytes().all(allowed) {
            return Err(InvalidOrderId);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

json_string!(OrderId);
string_schema!(OrderId, {
    "description": "Chosen by the client before paying: letters, digits, _ and -.",
    "pattern": format!("^[A-Za-z0-9_-]{{1,{}}}$", Self::LENGTH_MAX),
    "minLength": 1,
    "maxLength": Self::LENGTH_MAX,
    "examples": ["ord-42"],
});

/// Given by Payments: `pay_` and 1 to [`PaymentId::SUFFIX_LENGTH_MAX`] characters of `A-Za-z0-9`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaymentId(String);

/// The text is not `pay_` and 1 to 60 characters of `A-Za-z0-9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {} and 1 to {} letters or digits", PaymentId::PREFIX, PaymentId::SUFFIX_LENGTH_MAX)]
pub struct InvalidPaymentId;

impl PaymentId {
    /// What every payment id starts with.
    pub const PREFIX: &'static str = "pay_";
    /// The longest part after the prefix, in characters.
    pub const SUFFIX_LENGTH_MAX: usize = 60;

    /// The id as it is on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PaymentId {
    type Err = InvalidPaymentId;

    fn from_str(text: &str) -> Result<Self, InvalidPaymentId> {
        let suffix = text.strip_prefix(Self::PREFIX).ok_or(InvalidPaymentId)?;
        let bounded = (1..=Self::SUFFIX_LENGTH_MAX).contains(&suffix.len());
        if !bounded || !suffix.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(InvalidPaymentId);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

json_string!(PaymentId);
string_schema!(PaymentId, {
    "description": "Given by Payments.",
    "pattern": format!("^{}[A-Za-z0-9]{{1,{}}}$", Self::PREFIX, Self::SUFFIX_LENGTH_MAX),
    "maxLength": Self::PREFIX.len() + Self::SUFFIX_LENGTH_MAX,
    "examples": ["pay_3474IU76GZUC7ZC4MR5KV7HBFY"],
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_ids_hold_1_to_64_plain_characters() {
        for good in ["a", "ord-42", "A_b-9", &"x".repeat(64)] {
            assert_eq!(good.parse::<OrderId>().unwrap().as_str(), good);
        }
        for bad in ["", &"x".repeat(65), "a b", "a/b", "a#b", "é", "a\n"] {
            assert_eq!(bad.parse::<OrderId>(), Err(InvalidOrderId), "{bad:?}");
        }
    }

    #[test]
    fn payment_ids_show_what_they_are() {
        for good in ["pay_1", "pay_01JABC", &format!("pay_{}", "z".repeat(60))] {
            assert_eq!(good.parse::<PaymentId>().unwrap().as_str(), good);
        }
        for bad in ["", "pay_", "01JABC", "PAY_1", "pay_a-b", "pay_é", &format!("pay_{}", "z".repeat(61))] {
            assert_eq!(bad.parse::<PaymentId>(), Err(InvalidPaymentId), "{bad:?}");
        }
    }
}
