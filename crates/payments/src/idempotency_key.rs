//! Idempotency keys.

use payment_events::{TextRule, text_type};

text_type! {
    /// Idempotency key, chosen by the caller, which makes a retry safe: 1 to [`IdempotencyKey::LENGTH_MAX`] printable
    /// ASCII characters.
    #[derive(Debug)]
    IdempotencyKey: TextRule { prefix: "", class: " -~", length_max: Self::LENGTH_MAX },
    schema: "Idempotency key, chosen by the caller, which makes a retry safe: printable ASCII, such as a UUID.",
    example: "8e03978e-40d5-43e8-bc93-6894a57f9324",
    /// The text is not 1 to 255 printable ASCII characters.
    error InvalidIdempotencyKey: "must be 1 to {} printable ASCII characters", IdempotencyKey::LENGTH_MAX,
}

impl IdempotencyKey {
    /// Maximum length, in characters.
    pub const LENGTH_MAX: usize = 255;

    /// Returns the key as the caller sent it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn idempotency_keys_are_1_to_255_printable_characters() {
        for good in ["a", "a b", "8e03978e-40d5-43e8-bc93-6894a57f9324", &"~".repeat(255)] {
            assert!(good.parse::<IdempotencyKey>().is_ok(), "{good:?}");
        }
        for bad in ["", "é", "a\t", &"x".repeat(256)] {
            assert_eq!(bad.parse::<IdempotencyKey>(), Err(InvalidIdempotencyKey), "{bad:?}");
        }
    }

    /// Random bytes, and printable characters of about the maximum length, which random bytes would never be.
    fn any_header() -> impl Strategy<Value = Vec<u8>> {
        let printable = |count| prop::collection::vec(b' '..=b'~', count);
        let one_other = (printable(250..260), any::<prop::sample::Index>(), any::<u8>());
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            printable(0..20),
            printable(250..260),
            one_other.prop_map(|(mut header, at, byte)| {
                let at = at.index(header.len());
                header[at] = byte;
                header
            }),
        ]
    }

    proptest! {
        /// `.ci/run fuzz` tries 30,000 inputs, `.ci/nightly fuzz` a million per round.
        #[test]
        fn any_header_is_a_key_or_is_refused(header in any_header()) {
            let printable = (1..=IdempotencyKey::LENGTH_MAX).contains(&header.len()) && header.iter().all(|byte| (b' '..=b'~').contains(byte));
            let key = std::str::from_utf8(&header).ok().and_then(|text| text.parse::<IdempotencyKey>().ok());
            prop_assert_eq!(key.is_some(), printable);
        }
    }
}
