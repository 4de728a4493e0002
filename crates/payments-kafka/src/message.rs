//! Records to send, and their positions in the topic.

use payment_events::PaymentEvent;
use rskafka::chrono::{DateTime, Utc};
use rskafka::record::Record;

/// A record to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KafkaMessage {
    /// Key, which selects the partition.
    pub key: Option<Vec<u8>>,
    /// Value; `None` for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Names and values of the headers. Of headers with the same name, the client sends the last.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// Position of a record in its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordPosition {
    /// Partition.
    pub partition: i32,
    /// Offset in the partition.
    pub offset: i64,
    /// Timestamp that the record was sent with, in milliseconds since the Unix epoch. A topic with
    /// `message.timestamp.type=LogAppendTime` has another one.
    pub timestamp_ms: i64,
}

impl KafkaMessage {
    /// The event in CloudEvents' structured mode, under its order id.
    ///
    /// Source: <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md>.
    pub(crate) fn of_event(event: &PaymentEvent) -> Self {
        Self {
            key: Some(event.partition_key().as_bytes().to_vec()),
            value: Some(event.encode()),
            headers: vec![("content-type".to_owned(), b"application/cloudevents+json".to_vec())],
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let header = |(name, value): &(String, Vec<u8>)| name.len().saturating_add(value.len());
        let headers = self.headers.iter().map(header).fold(0, usize::saturating_add);
        length(&self.key).saturating_add(length(&self.value)).saturating_add(headers)
    }

    pub(crate) fn record(&self, timestamp_ms: i64) -> Record {
        Record {
            key: self.key.clone(),
            value: self.value.clone(),
            headers: self.headers.iter().cloned().collect(),
            timestamp: DateTime::<Utc>::from_timestamp_millis(timestamp_ms).unwrap_or_default(),
        }
    }
}
