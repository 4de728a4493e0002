//! Order and payment ids. Parsing is the only constructor, so every value is valid.

use crate::text::json_string;
use crate::{TextRule, text_output, text_type};

text_type! {
    /// Order id, chosen by the client before it pays: 1 to [`OrderId::LENGTH_MAX`] characters of `A-Za-z0-9_-`.
    ///
    /// It is the stream's partition key, so that the events of one order arrive in sequence.
    #[derive(Debug, Hash, PartialOrd, Ord)]
    OrderId: TextRule { prefix: "", class: "A-Za-z0-9_-", length_max: Self::LENGTH_MAX },
    schema: "Order id, chosen by the client before it pays: letters, digits, _ and -.", example: "ord-42",
    /// The text is not 1 to 64 characters of `A-Za-z0-9_-`.
    error InvalidOrderId: "must be 1 to {} characters of A-Z, a-z, 0-9, _ and -", OrderId::LENGTH_MAX,
}
text_output!(OrderId);
json_string!(OrderId);

impl OrderId {
    /// Maximum length, in characters.
    pub const LENGTH_MAX: usize = 64;
}

text_type! {
    /// Payment id, assigned by Payments: `pay_` and 1 to [`PaymentId::SUFFIX_LENGTH_MAX`] characters of `A-Za-z0-9`.
    #[derive(Debug, Hash, PartialOrd, Ord)]
    PaymentId: TextRule { prefix: Self::PREFIX, class: "A-Za-z0-9", length_max: Self::SUFFIX_LENGTH_MAX },
    schema: "Payment id, assigned by Payments.", example: "pay_3474IU76GZUC7ZC4MR5KV7HBFY",
    /// The text is not `pay_` and 1 to 60 characters of `A-Za-z0-9`.
    error InvalidPaymentId: "must be {} and 1 to {} letters or digits", PaymentId::PREFIX, PaymentId::SUFFIX_LENGTH_MAX,
}
text_output!(PaymentId);
json_string!(PaymentId);

impl PaymentId {
    /// Prefix of every payment id.
    pub const PREFIX: &'static str = "pay_";
    /// Maximum length after the prefix, in characters.
    pub const SUFFIX_LENGTH_MAX: usize = 60;
    /// Maximum length, in characters.
    pub const LENGTH_MAX: usize = Self::PREFIX.len() + Self::SUFFIX_LENGTH_MAX;
}

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
    fn payment_ids_are_the_prefix_and_1_to_60_letters_or_digits() {
        for good in ["pay_1", "pay_01JABC", &format!("pay_{}", "z".repeat(60))] {
            assert_eq!(good.parse::<PaymentId>().unwrap().as_str(), good);
        }
        for bad in ["", "pay_", "01JABC", "PAY_1", "pay_a-b", "pay_é", &format!("pay_{}", "z".repeat(61))] {
            assert_eq!(bad.parse::<PaymentId>(), Err(InvalidPaymentId), "{bad:?}");
        }
    }
}
