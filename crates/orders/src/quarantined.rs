//! A record that cannot be read, kept so that nothing is lost with it.

use std::fmt;

use payment_events::Timestamp;

/// A record of the stream as it came, and why it is no payment.
#[derive(Clone, PartialEq, Eq)]
pub struct QuarantinedRecord {
    /// Its bytes, all of them.
    pub data: Vec<u8>,
    /// Why it cannot be read.
    pub reason: Reason,
    /// The shard it came in.
    pub shard_id: String,
    /// Its place in the shard.
    pub sequence_number: String,
    /// What it was put under.
    pub partition_key: String,
    /// When the stream took it in.
    pub arrived_at: Timestamp,
    /// When it was set aside.
    pub quarantined_at: Timestamp,
}

/// Only what a log may hold: not the bytes, and not the reason, which may quote them.
impl fmt::Debug for QuarantinedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuarantinedRecord")
            .field("shard_id", &self.shard_id)
            .field("sequence_number", &self.sequence_number)
            .field("data_bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}

/// Why a record cannot be read, for people: at most [`Reason::BYTES_MAX`] bytes, since it may quote a record that is
/// large.
#[derive(Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// The longest reason, in bytes.
    pub const BYTES_MAX: usize = 1_024;

    /// This reason, cut to its bound.
    pub fn new(text: &str) -> Self {
        Self(text[..text.floor_char_boundary(Self::BYTES_MAX)].to_owned())
    }

    /// The reason, as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_two_characters() {
        assert_eq!(Reason::new("no event").as_str(), "no event");
        let long = "é".repeat(Reason::BYTES_MAX);
        assert_eq!(Reason::new(&long).as_str().len(), Reason::BYTES_MAX);
        assert_eq!(Reason::new(&format!("x{long}")).as_str().len(), Reason::BYTES_MAX - 1);
    }
}
