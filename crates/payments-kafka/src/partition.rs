//! Partition of a record, as Java's clients choose it.

/// Seed and multiplier of Kafka's murmur2.
const SEED: u32 = 0x9747_b28c;
const MULTIPLIER: u32 = 0x5bd1_e995;
const SHIFT: u32 = 24;

/// Returns the partition of a record with this key: that of Java's `DefaultPartitioner`, so that other producers and
/// consumers that compute it agree. 0 for a topic without partitions.
///
/// Source: <https://github.com/apache/kafka/blob/trunk/clients/src/main/java/org/apache/kafka/clients/producer/internals/BuiltInPartitioner.java>.
pub fn partition_of(key: &[u8], partitions: usize) -> usize {
    let positive = murmur2(key) & 0x7fff_ffff;
    usize::try_from(positive).unwrap_or_default().checked_rem(partitions).unwrap_or_default()
}

/// 32-bit murmur2, as in `org.apache.kafka.common.utils.Utils`.
fn murmur2(data: &[u8]) -> u32 {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let (words, rest) = data.as_chunks::<4>();
    let mixed = words.iter().fold(SEED ^ length, |hash, word| {
        let word = u32::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        hash.wrapping_mul(MULTIPLIER) ^ (word ^ (word >> SHIFT)).wrapping_mul(MULTIPLIER)
    });
    let rest = rest.iter().rev().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    let mixed = if data.len().is_multiple_of(4) { mixed } else { (mixed ^ rest).wrapping_mul(MULTIPLIER) };
    let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(MULTIPLIER);
    mixed ^ (mixed >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of `UtilsTest.testMurmur2` in Apache Kafka.
    #[test]
    fn the_hash_is_that_of_javas_client() {
        let vectors = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (key, hash) in vectors {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
    }

    #[test]
    fn a_partition_is_within_the_topic() {
        assert_eq!(partition_of(b"21", 1), 0);
        assert_eq!(
            partition_of(b"21", 7),
            usize::try_from((-973_932_308_i32).cast_unsigned() & 0x7fff_ffff).unwrap() % 7
        );
        assert_eq!(partition_of(b"21", 0), 0, "no division by zero");
    }
}
