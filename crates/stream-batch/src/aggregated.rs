//! Records that hold several records, as the Kinesis Producer Library makes them.

/// What an aggregated record begins with. No UTF-8 text does: the first three bytes call for a fourth that 0xC2 is not. So no
/// JSON is ever taken for one.
const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];

/// The MD5 of what is in between ends it.
const CHECKSUM_BYTES: usize = 16;

/// The record holds several records that the Kinesis Producer Library put together. To a consumer that does not take them
/// apart it is one that cannot be read, and best set aside for this reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aggregated;

impl std::fmt::Display for Aggregated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("several records in one, aggregated by the Kinesis Producer Library")
    }
}

impl std::error::Error for Aggregated {}

/// Whether a record's data is what the Kinesis Producer Library makes of several records: its four magic bytes, a protobuf
/// message, and a checksum.
///
/// The checksum is not computed: a record that begins so and is damaged can be read no better, and the reason is the same.
/// Source: <https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md>.
pub fn is_aggregated(data: &[u8]) -> bool {
    data.len() >= MAGIC.len() + CHECKSUM_BYTES && data.starts_with(&MAGIC)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Made by the library's own format: the key "k" and the data "{}", with the checksum of the message.
    const SAMPLE: &[u8] = b"\xf3\x89\x9a\xc2\x0a\x01k\x1a\x06\x08\x00\x1a\x02{}0123456789abcdef";

    #[test]
    fn an_aggregated_record_is_known_by_its_magic_bytes() {
        assert!(is_aggregated(SAMPLE));
        assert!(is_aggregated(&[&MAGIC[..], &[0; 16]].concat()), "the shortest there can be");
    }

    #[test]
    fn what_is_too_short_or_begins_otherwise_is_none() {
        assert!(!is_aggregated(b""));
        assert!(!is_aggregated(&MAGIC));
        assert!(!is_aggregated(&[&MAGIC[..], &[0; 15]].concat()));
        assert!(!is_aggregated(&SAMPLE[1..]));
        assert!(!is_aggregated(br#"{"specversion":"1.0","id":"pay_1:1","source":"/payments"}"#));
    }

    proptest! {
        #[test]
        fn no_text_is_taken_for_one(text in "\\PC{20,60}", tail in "\\PC{0,60}") {
            prop_assert!(!is_aggregated(text.as_bytes()));
            // Not even text that begins as much alike as text can.
            let alike = ["\u{c9682}", &tail].concat();
            prop_assert!(alike.as_bytes().starts_with(&MAGIC[..3]) && !is_aggregated(alike.as_bytes()));
            let forced = [&MAGIC[..], text.as_bytes()].concat();
            prop_assert!(std::str::from_utf8(&forced).is_err());
        }
    }
}
