//! Sizes of pages.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The parameter `limit`: the maximum number of items on a page, 1 to [`Limit::MAX`], and [`Limit::MAX`] by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u16);

/// The text is not an integer from 1 to [`Limit::MAX`], or has a sign or leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an integer from 1 to {}", Limit::MAX)]
pub struct InvalidLimit;

impl Limit {
    /// Maximum number of items on a page: the keys of one `BatchGetItem`. An item of 50 KB would still fit Lambda's
    /// response of 6 MB; a payment has less than 8 KB.
    pub const MAX: u16 = 100;

    /// Returns the number.
    pub fn get(self) -> usize {
        self.0.into()
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(Self::MAX)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Limit {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Self, InvalidLimit> {
        let number: u16 = text.parse().map_err(|_| InvalidLimit)?;
        let is_valid = (1..=Self::MAX).contains(&number) && number.to_string() == text;
        if is_valid { Ok(Self(number)) } else { Err(InvalidLimit) }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Limit {
    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": Self::MAX, "default": Self::MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_an_integer_from_1_to_100() {
        for good in ["1", "99", "100"] {
            assert_eq!(good.parse::<Limit>().map(|limit| limit.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "0", "101", "-1", "+1", "01", "1.0", "70000", "ten", " 1"] {
            assert_eq!(bad.parse::<Limit>(), Err(InvalidLimit), "{bad:?}");
        }
        assert_eq!(Limit::default().get(), 100);
    }
}
