//! Quarantined stream records.

use std::fmt;

use payment_events::Timestamp;

/// An unmodified stream record that could not be decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct QuarantinedRecord {
    /// Complete data of the record.
    pub data: Vec<u8>,
    /// Why the record was rejected.
    pub reason: Reason,
    /// Kinesis shard id.
    pub shard_id: String,
    /// Kinesis sequence number.
    pub sequence_number: String,
    /// Kinesis partition key.
    pub partition_key: String,
    /// Approximate arrival time at the stream.
    pub arrived_at: Timestamp,
    /// Time at which the record was quarantined.
    pub quarantined_at: Timestamp,
}

/// Omits the data, and the reason, which may quote the data: neither may be logged.
impl fmt::Debug for QuarantinedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuarantinedRecord")
            .field("shard_id", &self.shard_id)
            .field("sequence_number", &self.sequence_number)
            .field("data_bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}

/// Why a record was rejected, as text for operators. It may quote the record and is cut to [`Reason::BYTES_MAX`] bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// Maximum length, in bytes.
    pub const BYTES_MAX: usize = 1_024;

    /// Cuts `text` to the maximum, at a character boundary.
    pub fn new(text: &str) -> Self {
        Self(text[..text.floor_char_boundary(Self::BYTES_MAX)].to_owned())
    }

    /// Returns the text, as stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_at_a_character_boundary() {
        assert_eq!(Reason::new("not an event").as_str(), "not an event");
        let long = "é".repeat(Reason::BYTES_MAX);
        assert_eq!(Reason::new(&long).as_str().len(), Reason::BYTES_MAX);
        assert_eq!(Reason::new(&format!("x{long}")).as_str().len(), Reason::BYTES_MAX - 1);
    }
}
