//! Failed batches of a Kafka mapping.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use payments_kafka::{KafkaMessage, RecordPosition};
use quarantine::{RecordId, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Failure;

/// Kind of a record without a value, in its quarantine id.
const TOMBSTONE: &str = "tombstone";

/// Offsets of a partition that a failed batch has records of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedPartition {
    /// Partition, as `<topic>-<partition>`.
    pub partition: String,
    /// Offset of the first record.
    pub first_offset: String,
    /// Offset of the last record.
    pub last_offset: String,
}

/// Field `KafkaBatchInfo` of an invocation record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KafkaBatchInfo {
    #[serde(default)]
    pub(super) batch_size: u64,
    #[serde(default)]
    event_source_arn: Option<String>,
    #[serde(default)]
    bootstrap_servers: Value,
    #[serde(default)]
    records_info: BTreeMap<String, Offsets>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offsets {
    #[serde(default)]
    first_record_offset: Value,
    #[serde(default)]
    last_record_offset: Value,
}

impl KafkaBatchInfo {
    /// Returns the ARN of an MSK cluster, or else the bootstrap servers.
    pub(super) fn source(&self) -> String {
        self.event_source_arn.clone().filter(|arn| !arn.is_empty()).unwrap_or_else(|| text(&self.bootstrap_servers))
    }

    pub(super) fn partitions(&self) -> Vec<FailedPartition> {
        let partition = |(partition, offsets): (&String, &Offsets)| FailedPartition {
            partition: partition.clone(),
            first_offset: text(&offsets.first_record_offset),
            last_offset: text(&offsets.last_record_offset),
        };
        self.records_info.iter().map(partition).collect()
    }
}

/// Returns a text, or a number as text: the documentation has offsets as text.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A record of a Kafka batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KafkaBatchRecord {
    /// Id that the record has if it is quarantined.
    pub(crate) id: RecordId,
    pub(crate) message: KafkaMessage,
}

#[derive(Deserialize)]
struct Event {
    records: BTreeMap<String, Vec<EventRecord>>,
}

#[derive(Deserialize)]
struct EventRecord {
    offset: i64,
    #[serde(default)]
    timestamp: Option<i64>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    value: Option<String>,
    /// Values as lists of signed bytes. Unsigned ones are taken as well.
    #[serde(default)]
    headers: Vec<BTreeMap<String, Option<Vec<i16>>>>,
}

impl EventRecord {
    fn into_record(self, partition: &str) -> Option<KafkaBatchRecord> {
        let bytes = |text: Option<String>| text.map(|text| BASE64_STANDARD.decode(text)).transpose().ok();
        let header = |(name, value): (String, Option<Vec<i16>>)| {
            (name, value.unwrap_or_default().into_iter().map(low_byte).collect())
        };
        let headers = self.headers.into_iter().flatten().map(header).collect();
        let message = KafkaMessage { key: bytes(self.key)?, value: bytes(self.value)?, headers };
        let timestamp = self.timestamp.filter(|timestamp| *timestamp >= 0);
        Some(KafkaBatchRecord { id: quarantine_id(partition, self.offset, timestamp, &message), message })
    }
}

impl Failure {
    /// Returns the records of a Kafka batch, partition by partition, in order.
    pub(crate) fn kafka_records(&self) -> Result<Vec<KafkaBatchRecord>, String> {
        let event: Event = self.event()?;
        let partitions = event.records.into_iter();
        let records: Option<Vec<_>> = partitions
            .flat_map(|(partition, records)| records.into_iter().map(move |record| record.into_record(&partition)))
            .collect();
        records.ok_or_else(|| "its payload has a record whose key or value is not base64".to_owned())
    }

    /// Returns the topics of the batch, by the names of its partitions.
    pub(crate) fn topics(&self) -> impl Iterator<Item = &str> {
        self.partitions.iter().map(|part| part.partition.rsplit_once('-').map_or(&*part.partition, |(topic, _)| topic))
    }
}

fn low_byte(number: i16) -> u8 {
    let [low, _] = number.to_le_bytes();
    low
}

/// Id that a record has in quarantine, as the projector makes it.
fn quarantine_id(partition: &str, offset: i64, timestamp_ms: Option<i64>, message: &KafkaMessage) -> RecordId {
    let kind = if message.value.is_none() { Some(TOMBSTONE.as_bytes()) } else { None };
    let digest = digest(&[message.key.as_deref(), kind, Some(message.value.as_deref().unwrap_or_default())]);
    RecordId::of_kafka(partition, Some(offset), timestamp_ms, &digest)
}

/// Id that a record has in quarantine after it was sent again.
pub(super) fn new_quarantine_id(topic: &str, position: &RecordPosition, message: &KafkaMessage) -> RecordId {
    let partition = format!("{topic}-{}", position.partition);
    quarantine_id(&partition, position.offset, Some(position.timestamp_ms), message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::failures::BatchKind;

    /// The example of the documentation, with this event as payload.
    fn failure(payload: &Value) -> Failure {
        let record = json!({
            "requestContext": {
                "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
                "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:myfunction",
                "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 1
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": "2019-11-14T18:16:05.568Z",
            "KafkaBatchInfo": {
                "batchSize": 3,
                "eventSourceArn": "arn:aws:kafka:us-east-1:123456789012:cluster/c/751d2973",
                "bootstrapServers": "b-1:9098",
                "payloadSize": 2_039_086,
                "recordsInfo": {
                    "pay-ments-0": {
                        "firstRecordOffset": "4", "lastRecordOffset": "5",
                        "firstRecordTimestamp": "2019-11-14T18:16:04.835Z", "lastRecordTimestamp": "2019-11-14T18:16:04.835Z"
                    },
                    "pay-ments-1": {"firstRecordOffset": 7, "lastRecordOffset": 7}
                }
            },
            "payload": payload.to_string()
        });
        Failure::read("key", record).unwrap()
    }

    #[test]
    fn a_failed_batch_has_the_offsets_of_each_partition() {
        let failure = failure(&json!({"records": {}}));
        assert_eq!((failure.kind, failure.records, failure.error.as_deref()), (BatchKind::Kafka, 3, Some("Unhandled")));
        assert_eq!(failure.stream_arn, "arn:aws:kafka:us-east-1:123456789012:cluster/c/751d2973");
        let partition = |partition: &str, first: &str, last: &str| FailedPartition {
            partition: partition.to_owned(),
            first_offset: first.to_owned(),
            last_offset: last.to_owned(),
        };
        assert_eq!(failure.partitions, [partition("pay-ments-0", "4", "5"), partition("pay-ments-1", "7", "7")]);
        assert_eq!(failure.topics().collect::<Vec<_>>(), ["pay-ments", "pay-ments"]);
        assert_eq!(failure.kafka_records(), Ok(vec![]));
    }

    #[test]
    fn records_keep_their_keys_values_headers_and_order() {
        let event = json!({"eventSource": "aws:kafka", "records": {
            "payments-0": [
                {"topic": "payments", "partition": 0, "offset": 4, "timestamp": 1_545_084_650_987_i64, "key": "YQ==",
                 "value": "/w==", "headers": [{"content-type": [104, -61, -85]}, {"empty": null}]},
                {"offset": 5, "timestamp": -1, "key": null, "value": null, "headers": []},
            ],
            "payments-1": [{"offset": 7, "value": ""}],
        }});
        let records = failure(&event).kafka_records().unwrap();
        let messages: Vec<_> = records.iter().map(|record| record.message.clone()).collect();
        let headers = vec![("content-type".to_owned(), vec![104, 0xC3, 0xAB]), ("empty".to_owned(), vec![])];
        let expected = [
            KafkaMessage { key: Some(b"a".to_vec()), value: Some(b"\xff".to_vec()), headers },
            KafkaMessage::default(),
            KafkaMessage { value: Some(vec![]), ..KafkaMessage::default() },
        ];
        assert_eq!(messages, expected);
        let ids: Vec<_> = records.iter().map(|record| record.id.to_string()).collect();
        assert!(ids[0].starts_with("kafka:payments-0#4-1545084650987-"), "{}", ids[0]);
        assert!(ids[1].starts_with("kafka:payments-0#5-unknown-"), "{}", ids[1]);
        let digest = |id: &str| id.rsplit_once('-').unwrap().1.to_owned();
        assert_ne!(digest(&ids[1]), digest(&ids[2]), "a record without a value differs from one with an empty value");
        let bad = json!({"records": {"payments-0": [{"offset": 1, "value": "?"}]}});
        assert!(failure(&bad).kafka_records().unwrap_err().contains("not base64"));
    }
}
