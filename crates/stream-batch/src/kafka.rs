//! Lambda event of a Kafka topic, of Amazon MSK or of any other cluster.
//!
//! Decodes only the fields that identify a record, its key and its value, and each of them from any JSON value: no field,
//! such as a header of another producer, can make a batch undecodable. Lambda writes the bytes of headers as signed
//! numbers; this crate does not read headers. Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html>.

use std::sync::Arc;

use serde::Deserialize;

use crate::lenient::{Base64, Groups, Integer};
use crate::{KafkaPosition, Record};

/// Batch of records of one topic, possibly of several partitions.
///
/// The records of a partition are in offset order. Offsets have gaps, after compaction and at control records of
/// transactions, which Lambda does not deliver.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "KafkaPayload")]
pub struct KafkaEvent {
    /// Records, partition by partition.
    pub records: Vec<KafkaRecord>,
}

/// One record of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaRecord {
    /// Position by which the record is reported.
    pub position: KafkaPosition,
    /// Time in milliseconds since the Unix epoch: that of the producer, or of the append, by the topic's configuration;
    /// `None` if missing or negative (a record without one has -1).
    pub timestamp_unix_ms: Option<i64>,
    /// Key chosen by the producer; `None` if the record has none, or one that is not base64.
    pub key: Option<Vec<u8>>,
    /// Value of the record.
    pub value: KafkaValue,
}

/// Value of a Kafka record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KafkaValue {
    /// Data of the record.
    Data(Vec<u8>),
    /// The record has no value. In a compacted topic such a tombstone deletes the key.
    Tombstone,
    /// Lambda's event has text here that is not base64, or a value of another type, which is empty here.
    NotBase64(Vec<u8>),
}

impl KafkaRecord {
    /// Converts to a [`Record`] whose lane is the record's key. Records without a key share a lane.
    pub fn into_record(self) -> Record<Option<Vec<u8>>, Self, KafkaPosition> {
        Record { key: self.key.clone(), identifier: self.position.clone(), payload: self }
    }
}

/// Payload of the event, whatever else it has.
#[derive(Deserialize)]
struct KafkaPayload {
    records: Groups<Envelope>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Envelope {
    #[serde(default)]
    offset: Integer,
    #[serde(default)]
    timestamp: Integer,
    #[serde(default)]
    key: Base64,
    #[serde(default)]
    value: Base64,
}

impl From<KafkaPayload> for KafkaEvent {
    fn from(payload: KafkaPayload) -> Self {
        Self::from(payload.records)
    }
}

impl From<Groups<Envelope>> for KafkaEvent {
    fn from(Groups(partitions): Groups<Envelope>) -> Self {
        let mut records = Vec::with_capacity(partitions.iter().map(|(_, records)| records.len()).sum());
        for (partition, envelopes) in partitions {
            // Lambda names partitions so; the fields `topic` and `partition` of the records say the same.
            let partition: Arc<str> = partition.into();
            records.extend(envelopes.into_iter().map(|envelope| envelope.into_record(&partition)));
        }
        Self { records }
    }
}

impl Envelope {
    fn into_record(self, partition: &Arc<str>) -> KafkaRecord {
        KafkaRecord {
            position: KafkaPosition { partition: Arc::clone(partition), offset: self.offset.0 },
            timestamp_unix_ms: self.timestamp.0.filter(|unix_ms| *unix_ms >= 0),
            key: match self.key {
                Base64::Bytes(key) => Some(key),
                Base64::Absent | Base64::Invalid(_) => None,
            },
            value: match self.value {
                Base64::Bytes(data) => KafkaValue::Data(data),
                Base64::Absent => KafkaValue::Tombstone,
                Base64::Invalid(text) => KafkaValue::NotBase64(text),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(record: &str) -> KafkaRecord {
        let event: KafkaEvent = serde_json::from_str(&format!(r#"{{"records":{{"t-0":[{record}]}}}}"#)).unwrap();
        event.records.into_iter().next().unwrap()
    }

    #[test]
    fn the_documented_events_are_decoded() {
        for file in [include_str!("../tests/events/msk.json"), include_str!("../tests/events/self_managed_kafka.json")]
        {
            let event: KafkaEvent = serde_json::from_str(file).unwrap();
            let [record] = event.records.as_slice() else { panic!("one record: {event:?}") };
            assert_eq!((&*record.position.partition, record.position.offset), ("mytopic-0", Some(15)));
            assert_eq!(record.timestamp_unix_ms, Some(1_545_084_650_987));
            assert_eq!(record.key.as_deref(), Some(b"recordKey".as_slice()).filter(|_| file.contains("cmVjb3JkS2V5")));
            assert!(matches!(&record.value, KafkaValue::Data(data) if !data.is_empty()), "{record:?}");
        }
    }

    #[test]
    fn partitions_keep_their_order_and_their_names() {
        let event: KafkaEvent = serde_json::from_str(
            r#"{"records":{"a-b-10":[{"offset":7},{"offset":9}],"a-b-2":[{"offset":7}],"a-b-3":[],"a-b-4":null}}"#,
        )
        .unwrap();
        let positions = event.records.iter().map(|record| (&*record.position.partition, record.position.offset));
        let expected = [("a-b-10", Some(7)), ("a-b-10", Some(9)), ("a-b-2", Some(7))];
        assert_eq!(positions.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn headers_of_any_shape_are_ignored() {
        for headers in [
            r#"[{"name":[104,-61,-85]}]"#,
            r#"[{"name":[104,-61,-85]},{"name":[1]},{"":[]},{"other":null},{"text":"plain"},{"n":[1e400,300]}]"#,
            r#""text""#,
            "null",
            r#"{"deep":[[[[{}]]]]}"#,
        ] {
            let record = read(&format!(r#"{{"offset":3,"headers":{headers},"value":"eA=="}}"#));
            assert_eq!((record.position.offset, record.value), (Some(3), KafkaValue::Data(b"x".to_vec())), "{headers}");
        }
    }

    #[test]
    fn a_record_without_a_value_is_a_tombstone() {
        for record in [r#"{"offset":1}"#, r#"{"offset":1,"value":null}"#] {
            assert_eq!(read(record).value, KafkaValue::Tombstone);
        }
        assert_eq!(read(r#"{"value":""}"#).value, KafkaValue::Data(vec![]), "an empty value is data");
    }

    #[test]
    fn one_bad_field_does_not_affect_the_others() {
        assert_eq!(read(r#"{"value":"?","key":"?"}"#).value, KafkaValue::NotBase64(b"?".to_vec()));
        assert_eq!(read(r#"{"value":7}"#).value, KafkaValue::NotBase64(vec![]));
        for key in ["null", "\"?\"", "7", "[1]"] {
            assert_eq!(read(&format!(r#"{{"key":{key}}}"#)).key, None, "{key}");
        }
        for time in ["-1", "null", "\"now\"", "1e300"] {
            assert_eq!(read(&format!(r#"{{"timestamp":{time}}}"#)).timestamp_unix_ms, None, "{time}");
        }
        for offset in ["null", "\"1\"", "1.5", "18446744073709551615"] {
            assert_eq!(read(&format!(r#"{{"offset":{offset}}}"#)).position.offset, None, "{offset}");
        }
        let record = read(r#"{"topic":7,"partition":"x","timestampType":null,"offset":1,"key":"AP8="}"#);
        assert_eq!((record.position.offset, record.key), (Some(1), Some(vec![0, 0xff])));
    }
}
