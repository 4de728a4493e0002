//! Quarantined records.

use std::fmt;
use std::str::FromStr;

use payment_events::Timestamp;

/// Id of a record: `<source>#<position>`.
///
/// A record keeps its id however often it is delivered, so that it is quarantined once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(String);

/// The text is not a valid record id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be <source>#<position>, as `quarantine list` shows it")]
pub struct InvalidRecordId;

impl RecordId {
    /// Source of an order that cannot be settled; its position is the order id. The record is an event of that order, which
    /// is stored, so that processing it again settles the order.
    pub const SETTLEMENT: &str = "settlement";

    /// Source of an image of the payments table that the outbox relay cannot decode. Its position is the sequence number in
    /// the table's change stream and the payment id. The data is the image, in DynamoDB JSON.
    pub const PAYMENTS_TABLE: &str = "payments-table";

    /// Prefix of the source of a Kafka record, before its topic and partition: `kafka:<topic>-<partition>`. Its position is
    /// `<offset>-<timestamp>-<digest>`, with the timestamp in milliseconds since the Unix epoch and a digest of key and
    /// value: a topic that is deleted and created again has other records at the same offsets.
    pub const KAFKA_PREFIX: &str = "kafka:";

    /// Prefix of the source of a RabbitMQ message, before its queue: `rabbitmq:<queue>`. Its position is a digest of
    /// message id, timestamp and body, after the message id if that is the id of a payment event: `<event id>-<digest>`.
    pub const RABBITMQ_PREFIX: &str = "rabbitmq:";

    /// Maximum length, in bytes. Half of what DynamoDB allows in a partition key.
    pub const BYTES_MAX: usize = 1_024;

    /// The record at this position of this source, such as a sequence number of a shard. An empty part reads `unknown`, and
    /// each part is cut to half of [`Self::BYTES_MAX`]; a stream of AWS has no such ids. Ids are printed, so control
    /// characters, which a queue's name may have, read `_`, as does `#` in a source.
    pub fn new(source: &str, position: &str) -> Self {
        let part = |text: &str| match text {
            "" => "unknown".to_owned(),
            text => text.get(..text.floor_char_boundary(Self::BYTES_MAX / 2 - 1)).unwrap_or_default().to_owned(),
        };
        let plain = |text: &str| part(text).replace(char::is_control, "_");
        Self(format!("{}#{}", plain(source).replace('#', "_"), plain(position)))
    }

    /// The record at this offset of a partition, `<topic>-<partition>`, of Kafka, with a digest of its key and content.
    pub fn of_kafka(partition: &str, offset: Option<i64>, timestamp_ms: Option<i64>, digest: &str) -> Self {
        let number = |number: Option<i64>| number.map_or_else(|| "unknown".to_owned(), |number| number.to_string());
        let position = format!("{}-{}-{digest}", number(offset), number(timestamp_ms));
        Self::new(&format!("{}{partition}", Self::KAFKA_PREFIX), &position)
    }

    /// Returns the source of the record, such as a shard.
    pub fn source(&self) -> &str {
        self.0.split_once('#').map_or("", |(source, _)| source)
    }

    /// Returns the position of the record in its source, such as a sequence number.
    pub fn position(&self) -> &str {
        self.0.split_once('#').map_or("", |(_, position)| position)
    }
}

impl FromStr for RecordId {
    type Err = InvalidRecordId;

    fn from_str(text: &str) -> Result<Self, InvalidRecordId> {
        match text.split_once('#') {
            Some((source, position)) if !source.is_empty() && !position.is_empty() && text.len() <= Self::BYTES_MAX => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidRecordId),
        }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An unmodified record, and why it was not processed.
#[derive(Clone, PartialEq, Eq)]
pub struct QuarantinedRecord {
    /// Id of the record.
    pub id: RecordId,
    /// Complete data of the record.
    pub data: Vec<u8>,
    /// Why the record was not processed.
    pub reason: Reason,
    /// Partition key under which the record was published; empty if it has none.
    pub partition_key: String,
    /// Approximate arrival time at the source.
    pub arrived_at: Timestamp,
    /// Time at which the record was quarantined.
    pub quarantined_at: Timestamp,
}

/// Omits the data, and the reason, which may quote the data: neither may be logged.
impl fmt::Debug for QuarantinedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuarantinedRecord")
            .field("id", &self.id)
            .field("data_bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}

/// Why a record was not processed, as text for operators. It may quote the record, so it must not be logged. It is cut to [`Reason::BYTES_MAX`] bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Reason(String);

/// Omits the text.
impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reason").finish_non_exhaustive()
    }
}

impl Reason {
    /// Maximum length, in bytes.
    pub const BYTES_MAX: usize = 1_024;

    /// Cuts `text` to the maximum, at a character boundary.
    pub fn new(text: &str) -> Self {
        Self(text.get(..text.floor_char_boundary(Self::BYTES_MAX)).unwrap_or_default().to_owned())
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
    fn an_id_has_a_source_and_a_position() {
        let id: RecordId = "shardId-0#41".parse().unwrap();
        assert_eq!((id.source(), id.position()), ("shardId-0", "41"));
        assert_eq!(RecordId::new("shardId-0", "41"), id);
        assert_eq!(RecordId::new("", "").to_string(), "unknown#unknown");
        assert_eq!(RecordId::new("a#b\u{1b}[2J", "4\n1").to_string(), "a_b_[2J#4_1");
        let long = "é".repeat(RecordId::BYTES_MAX);
        let id = RecordId::new(&long, &long).to_string();
        assert!(id.len() <= RecordId::BYTES_MAX && id.parse::<RecordId>().is_ok(), "{id}");
        for invalid in ["", "#", "shardId-0", "shardId-0#", "#41", &format!("a#{}", "1".repeat(RecordId::BYTES_MAX))] {
            assert_eq!(invalid.parse::<RecordId>(), Err(InvalidRecordId), "{invalid}");
        }
    }

    #[test]
    fn a_reason_is_cut_at_a_character_boundary() {
        assert_eq!(Reason::new("not an event").as_str(), "not an event");
        let long = "é".repeat(Reason::BYTES_MAX);
        assert_eq!(Reason::new(&long).as_str().len(), Reason::BYTES_MAX);
        assert_eq!(Reason::new(&format!("x{long}")).as_str().len(), Reason::BYTES_MAX - 1);
    }
}
