//! Payment tokens.

use std::fmt;

use payment_events::{TextRule, text_type};

text_type! {
    /// Token that represents the card: `tok_` and 1 to [`PaymentToken::SUFFIX_LENGTH_MAX`] of `a-z0-9_`. Never a card
    /// number.
    PaymentToken: TextRule { prefix: Self::PREFIX, class: "a-z0-9_", length_max: Self::SUFFIX_LENGTH_MAX },
    schema: "Token that represents the card. Never a card number.", example: "tok_approve",
    /// The text is not a token.
    error InvalidToken: "must be a token: tok_ and 1 to {} characters of a-z, 0-9 and _", PaymentToken::SUFFIX_LENGTH_MAX,
}

impl PaymentToken {
    /// Prefix of every token.
    pub const PREFIX: &'static str = "tok_";
    /// Maximum length after `tok_`, in characters.
    pub const SUFFIX_LENGTH_MAX: usize = 60;

    /// Returns the token, for the processor only. It must never be logged.
    pub fn expose(&self) -> &str {
        &self.0
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
    fn only_tokens_parse_and_debug_output_hides_them() {
        assert!("tok_approve".parse::<PaymentToken>().is_ok());
        for bad in ["", "tok_", "4242424242424242", "TOK_A", "tok_A", "tok_a b", &format!("tok_{}", "a".repeat(61))] {
            assert_eq!(bad.parse::<PaymentToken>(), Err(InvalidToken), "{bad:?}");
        }
        assert!(!format!("{:?}", "tok_approve".parse::<PaymentToken>().unwrap()).contains("approve"));
    }
}
