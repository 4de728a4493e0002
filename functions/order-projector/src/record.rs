//! One record of any hub: its event data, its position and its id in quarantine.

use std::borrow::Cow;

use payment_events::PaymentId;
use quarantine::{RecordId, digest};
use stream_batch::{
    HubEvent, HubPosition, KafkaRecord, KafkaValue, KinesisRecord, RabbitMqData, RabbitMqMessage, UnreportableMessage,
};

/// Maximum length of a record's key as it is quarantined, in bytes. A Kafka key may be as large as a record, which is
/// more than an item of the quarantine table may have beside its data.
const KEY_BYTES_MAX: usize = 1_024;

/// A record of the hub that the event came from.
#[derive(Debug)]
pub(crate) enum HubRecord {
    Kinesis(KinesisRecord),
    Kafka(KafkaRecord),
    RabbitMq(RabbitMqMessage),
}

/// A record without data that could be an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoData {
    /// Kind of error, for the log.
    pub(crate) kind: &'static str,
    /// Why there is no data, for operators.
    pub(crate) reason: &'static str,
}

/// Returns the records of an event, in its order.
pub(crate) fn records_of(event: HubEvent) -> Vec<HubRecord> {
    match event {
        HubEvent::Kinesis(event) => event.records.into_iter().map(HubRecord::Kinesis).collect(),
        HubEvent::Kafka(event) => event.records.into_iter().map(HubRecord::Kafka).collect(),
        HubEvent::RabbitMq(event) => event.messages.into_iter().map(HubRecord::RabbitMq).collect(),
    }
}

impl HubRecord {
    /// Returns the data that the producer sent, or the reason why there is none.
    pub(crate) fn event_data(&self) -> Result<&[u8], NoData> {
        const NOT_BASE64: NoData =
            NoData { kind: "not_base64", reason: "its data in the event of the invocation is not base64" };
        match self {
            Self::Kinesis(record) => record.user_data().map_err(|_| NoData {
                kind: "aggregated",
                reason: "several records aggregated into one by the Kinesis Producer Library",
            }),
            Self::Kafka(record) => match &record.value {
                KafkaValue::Data(data) => Ok(data),
                // Payments never deletes a key, and the topic must not be compacted.
                KafkaValue::Tombstone => Err(NoData { kind: "tombstone", reason: "it has no value (a tombstone)" }),
                KafkaValue::NotBase64(_) => Err(NOT_BASE64),
            },
            Self::RabbitMq(message) => match &message.data {
                RabbitMqData::Body(data) => Ok(data),
                RabbitMqData::NotBase64(_) => Err(NOT_BASE64),
            },
        }
    }

    /// Returns the bytes to keep: the data, or the text that is not base64.
    pub(crate) fn raw(&self) -> &[u8] {
        match self {
            Self::Kinesis(record) => &record.data,
            Self::Kafka(record) => match &record.value {
                KafkaValue::Data(data) | KafkaValue::NotBase64(data) => data,
                KafkaValue::Tombstone => &[],
            },
            Self::RabbitMq(message) => match &message.data {
                RabbitMqData::Body(data) | RabbitMqData::NotBase64(data) => data,
            },
        }
    }

    /// Returns the key that the record was published under, as text of at most [`KEY_BYTES_MAX`] bytes. Empty for a record
    /// without a key, and for a RabbitMQ message, whose routing key Lambda's event does not have.
    pub(crate) fn key(&self) -> Cow<'_, str> {
        match self {
            Self::Kinesis(record) => Cow::Borrowed(&record.partition_key),
            Self::Kafka(record) => {
                let key = record.key.as_deref().unwrap_or_default();
                let key = String::from_utf8_lossy(key.get(..KEY_BYTES_MAX).unwrap_or(key));
                match key.get(..key.floor_char_boundary(KEY_BYTES_MAX)) {
                    Some(cut) if cut.len() < key.len() => Cow::Owned(cut.to_owned()),
                    _ => key,
                }
            }
            Self::RabbitMq(_) => Cow::Borrowed(""),
        }
    }

    /// Returns the position by which the record is reported.
    pub(crate) fn position(&self) -> HubPosition {
        match self {
            Self::Kinesis(record) => HubPosition::Kinesis(record.sequence_number.clone()),
            Self::Kafka(record) => HubPosition::Kafka(record.position.clone()),
            Self::RabbitMq(_) => HubPosition::RabbitMq(UnreportableMessage),
        }
    }

    /// Returns the approximate time of the record at the hub, in milliseconds since the Unix epoch; `None` if it is
    /// unknown, as for RabbitMQ.
    pub(crate) fn arrived_at_unix_ms(&self) -> Option<i64> {
        match self {
            Self::Kinesis(record) => record.arrived_at_unix_ms,
            Self::Kafka(record) => record.timestamp_unix_ms,
            Self::RabbitMq(_) => None,
        }
    }

    /// Returns the id of the record in quarantine, which is the same in each delivery. `docs/operating.md` documents the
    /// ids.
    ///
    /// - Kinesis: shard and sequence number.
    /// - Kafka: topic and partition; then offset, timestamp and digest, because offsets start at 0 again in a topic that is
    ///   deleted and created again.
    /// - RabbitMQ: queue; then a digest of the message and its properties, because there is no position. If the message id
    ///   is that of a payment event, it precedes the digest.
    pub(crate) fn id(&self) -> RecordId {
        match self {
            Self::Kinesis(record) => RecordId::new(&record.shard_id, &record.sequence_number),
            Self::Kafka(record) => {
                let digest = digest(&[record.key.as_deref(), self.no_data_kind(), Some(self.raw())]);
                let position = &record.position;
                RecordId::of_kafka(&position.partition, position.offset, record.timestamp_unix_ms, &digest)
            }
            Self::RabbitMq(message) => {
                let (message_id, timestamp) = (message.message_id.as_deref(), message.timestamp.as_deref());
                let properties = [Some(&*message.queue), message_id, timestamp].map(|text| text.map(str::as_bytes));
                let parts = [&properties[..], &[self.no_data_kind(), Some(self.raw())]].concat();
                let digest = digest(&parts);
                let source = format!("{}{}", RecordId::RABBITMQ_PREFIX, message.queue);
                match message.message_id.as_deref().filter(|id| is_event_id(id)) {
                    Some(event_id) => RecordId::new(&source, &format!("{event_id}-{digest}")),
                    None => RecordId::new(&source, &digest),
                }
            }
        }
    }

    /// Returns the kind of a record without data, which may have the same bytes as one with data.
    fn no_data_kind(&self) -> Option<&'static [u8]> {
        self.event_data().err().map(|no_data| no_data.kind.as_bytes())
    }
}

/// Returns true if the text is the id of a payment event: a payment id and a version. Ids of records are logged and
/// printed, so no other text of a producer may be in one.
fn is_event_id(text: &str) -> bool {
    let is_version = |text: &str| text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once(':').is_some_and(|(id, version)| id.parse::<PaymentId>().is_ok() && is_version(version))
}
