//! Digests of records, for the ids of those that have no lasting position.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

/// Bytes of a digest in an id: enough that no two records of 30 days have the same.
const DIGEST_BYTES: usize = 16;

/// Returns a digest of these parts. A missing part differs from an empty one.
pub fn digest(parts: &[Option<&[u8]>]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // A length that no part has stands for a missing one.
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        hash.update(length.to_be_bytes());
        hash.update(part.unwrap_or_default());
    }
    let hash = hash.finalize();
    BASE32_NOPAD.encode(hash.get(..DIGEST_BYTES).unwrap_or(&hash))
}
