//! Lambda's event of a Kafka mapping.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::super::batch::StreamRecord;
use crate::hubs::{KafkaRecord, TimestampType};

/// Size of an event without its records and without the lists of its partitions.
pub(super) const EVENT_FRAME_BYTES: usize = 512;

/// Returns the event: records by `<topic>-<partition>`.
pub(super) fn event_of(cluster_arn: Option<&str>, bootstrap_servers: &str, records: &[&StreamRecord]) -> String {
    let mut partitions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for record in records {
        partitions.entry(&record.shard).or_default().push(&record.event);
    }
    let partitions: Vec<String> =
        partitions.into_iter().map(|(id, records)| format!("{}:[{}]", Value::from(id), records.join(","))).collect();
    let source = match cluster_arn {
        Some(arn) => format!("\"eventSource\":\"aws:kafka\",\"eventSourceArn\":{}", Value::from(arn)),
        None => "\"eventSource\":\"SelfManagedKafka\"".to_owned(),
    };
    let (servers, partitions) = (Value::from(bootstrap_servers), partitions.join(","));
    format!("{{{source},\"bootstrapServers\":{servers},\"records\":{{{partitions}}}}}")
}

/// Converts a record to its form in the event.
pub(super) fn record_of(topic: &str, partition: i32, id: &Arc<str>, record: &KafkaRecord) -> StreamRecord {
    let base64 = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map(|bytes| STANDARD.encode(bytes));
    let headers: Vec<Value> = record.headers.iter().map(header).collect();
    let timestamp_type = match record.timestamp_type {
        TimestampType::CreateTime => "CREATE_TIME",
        TimestampType::LogAppendTime => "LOG_APPEND_TIME",
    };
    let event = json!({
        "topic": topic,
        "partition": partition,
        "offset": record.offset,
        "timestamp": record.timestamp_ms,
        "timestampType": timestamp_type,
        "key": base64(&record.key),
        "value": base64(&record.value),
        "headers": headers,
    });
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any date fit in 52 bits")]
    let arrived_at = record.timestamp_ms as f64 / 1000.0;
    StreamRecord {
        shard: Arc::clone(id),
        sequence_number: record.offset.to_string(),
        arrived_at,
        key_hash: 0,
        event: event.to_string(),
    }
}

/// Converts a header. Lambda writes its value as a list of signed bytes.
fn header((name, value): &(String, Option<bytes::Bytes>)) -> Value {
    let bytes = value.as_ref().map(|bytes| bytes.iter().map(|byte| byte.cast_signed()).collect::<Vec<i8>>());
    Value::Object(Map::from_iter([(name.clone(), json!(bytes))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> KafkaRecord {
        KafkaRecord {
            offset: 15,
            timestamp_ms: 1_545_084_650_987,
            timestamp_type: TimestampType::CreateTime,
            key: Some("ord-1".into()),
            value: Some("{}".into()),
            headers: vec![("héader".to_owned(), Some("hë".into())), ("none".to_owned(), None)],
        }
    }

    #[test]
    fn a_kafka_event_has_the_records_of_each_partition_with_signed_header_bytes() {
        let records = [0, 1]
            .map(|partition| record_of("payments", partition, &format!("payments-{partition}").into(), &record()));
        let event = event_of(None, "127.0.0.1:9092", &records.iter().collect::<Vec<_>>());
        let event: Value = serde_json::from_str(&event).unwrap();
        let expected = |partition: i32| {
            json!([{
                "topic": "payments", "partition": partition, "offset": 15, "timestamp": 1_545_084_650_987_i64,
                "timestampType": "CREATE_TIME", "key": "b3JkLTE=", "value": "e30=",
                "headers": [{"héader": [104, -61, -85]}, {"none": null}],
            }])
        };
        let expected = json!({
            "eventSource": "SelfManagedKafka", "bootstrapServers": "127.0.0.1:9092",
            "records": {"payments-0": expected(0), "payments-1": expected(1)},
        });
        assert_eq!(event, expected);
    }

    #[test]
    fn a_record_without_key_and_value_has_neither_in_the_event_of_msk() {
        let tombstone =
            KafkaRecord { key: None, value: None, timestamp_type: TimestampType::LogAppendTime, ..record() };
        let record = record_of("payments", 0, &"payments-0".into(), &tombstone);
        let event: Value = serde_json::from_str(&event_of(Some("arn:c"), "b:9092", &[&record])).unwrap();
        assert_eq!((&event["eventSource"], &event["eventSourceArn"]), (&json!("aws:kafka"), &json!("arn:c")));
        let record = &event["records"]["payments-0"][0];
        assert_eq!((&record["key"], &record["value"]), (&Value::Null, &Value::Null));
        assert_eq!(record["timestampType"], "LOG_APPEND_TIME");
    }
}
