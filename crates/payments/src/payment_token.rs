//! What is paid with.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// What stands for the card: `tok_` and 1 to [`PaymentToken::SUFFIX_LENGTH_MAX`] of `a-z0-9_`. Never a card number.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentToken(String);

/// The text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a token: tok_ and 1 to {} characters of a-z, 0-9 and _", PaymentToken::SUFFIX_LENGTH_MAX)]
pub struct InvalidToken;

impl PaymentToken {
    /// What every token starts with.
    pub const PREFIX: &'static str = "tok_";
    /// The longest part after `tok_`, in characters.
    pub const SUFFIX_LENGTH_MAX: usize = 60;

    /// The token, for the processor alone: it belongs in no log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for PaymentToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let suffix = text.strip_prefix(Self::PREFIX).ok_or(InvalidToken)?;
        let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if (1..=Self::SUFFIX_LENGTH_MAX).contains(&suffix.len()) && suffix.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidToken)
        }
    }
}

impl JsonSchema for PaymentToken {
    fn schema_name() -> Cow<'static, str> {
        "PaymentToken".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What stands for the card. Never a card number.",
            "type": "string",
            "pattern": format!("^{}[a-z0-9_]{{1,{}}}$", Self::PREFIX, Self::SUFFIX_LENGTH_MAX),
            "maxLength": Self::PREFIX.len() + Self::SUFFIX_LENGTH_MAX,
            "examples": ["tok_approve"],
        })
    }
}

impl fmt::Debug for PaymentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tok_…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_pass_and_none_shows_in_debug_output() {
        assert!("tok_approve".parse::<PaymentToken>().is_ok());
        for bad in ["", "tok_", "4242424242424242", "TOK_A", "tok_A", "tok_a b", &format!("tok_{}", "a".repeat(61))] {
            assert_eq!(bad.parse::<PaymentToken>(), Err(InvalidToken), "{bad:?}");
        }
        assert!(!format!("{:?}", "tok_approve".parse::<PaymentToken>().unwrap()).contains("approve"));
    }
}
