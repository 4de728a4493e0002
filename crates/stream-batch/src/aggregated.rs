//! Detection of aggregated records of the Kinesis Producer Library (KPL).

/// Magic bytes of an aggregated record. They are not valid UTF-8: the first three bytes require a continuation byte,
/// which 0xC2 is not. So JSON is never mistaken for an aggregated record.
const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];

/// Length of the MD5 checksum of the message, at the end of the record.
const CHECKSUM_BYTES: usize = 16;

/// The record is a KPL aggregate of several records. A consumer without deaggregation should quarantine it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aggregated;

impl std::fmt::Display for Aggregated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("several records aggregated into one by the Kinesis Producer Library")
    }
}

impl std::error::Error for Aggregated {}

/// Returns true if `data` is a KPL aggregate: four magic bytes, a protobuf message, and a checksum.
///
/// The checksum is not verified: a damaged aggregate is just as undecodable, and the reason is the same.
/// Source: <https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md>.
pub fn is_aggregated(data: &[u8]) -> bool {
    data.strip_prefix(&MAGIC).is_some_and(|rest| rest.len() >= CHECKSUM_BYTES)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Aggregate of one record with key "k" and data "{}". The checksum is a placeholder.
    const SAMPLE: &[u8] = b"\xf3\x89\x9a\xc2\x0a\x01k\x1a\x06\x08\x00\x1a\x02{}0123456789abcdef";

    #[test]
    fn an_aggregated_record_is_detected_by_its_magic_bytes() {
        assert!(is_aggregated(SAMPLE));
        assert!(is_aggregated(&[&MAGIC[..], &[0; 16]].concat()), "the minimum length");
    }

    #[test]
    fn short_data_and_other_magic_bytes_are_not_aggregated() {
        assert!(!is_aggregated(b""));
        assert!(!is_aggregated(&MAGIC));
        assert!(!is_aggregated(&[&MAGIC[..], &[0; 15]].concat()));
        assert!(!is_aggregated(&SAMPLE[1..]));
        assert!(!is_aggregated(br#"{"specversion":"1.0","id":"pay_1:1","source":"/payments"}"#));
    }

    proptest! {
        #[test]
        fn text_is_never_detected_as_aggregated(text in "\\PC{20,60}", tail in "\\PC{0,60}") {
            prop_assert!(!is_aggregated(text.as_bytes()));
            // Text can share at most the first three magic bytes.
            let similar = ["\u{c9682}", &tail].concat();
            prop_assert!(similar.as_bytes().starts_with(&MAGIC[..3]) && !is_aggregated(similar.as_bytes()));
            let prefixed = [&MAGIC[..], text.as_bytes()].concat();
            prop_assert!(std::str::from_utf8(&prefixed).is_err());
        }
    }
}
