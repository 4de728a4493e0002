//! Envelopes of Kafka and RabbitMQ as Lambda writes them, with fields that only some producers and topics have.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fastrand::Rng;
use serde_json::{Map, Value, json};
use stream_batch::HubEvent;

use crate::world::Given;

/// Hub that a batch comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hub {
    Kinesis,
    Kafka,
    RabbitMq,
}

pub(crate) const HUBS: [Hub; 3] = [Hub::Kinesis, Hub::Kafka, Hub::RabbitMq];

/// Partitions of the topic.
const PARTITIONS: usize = 3;

/// Headers of Kafka records: Lambda writes bytes as signed numbers. Other producers have others, or text where a list
/// is expected.
const KAFKA_HEADERS: [&str; 7] = [
    r#"[{"content-type":[97,112,112]}]"#,
    r#"[{"name":[104,-61,-85]},{"name":[-128,127]}]"#,
    r#"[{"":[]},{"a":null},{"b":"text"},{"c":[1e3,300,-1.5]}]"#,
    r#"{"not":"a list"}"#,
    r#""text""#,
    "null",
    "[]",
];

/// Properties of RabbitMQ messages that do not matter to the projector.
const PROPERTIES: [&str; 6] = [
    r#"{"contentType":"application/cloudevents+json","deliveryMode":2,"bodySize":1}"#,
    r#"{"headers":{"a":{"bytes":[104,-61,-85]},"b":10,"c":[[null]],"d":{"deep":[{}]}},"messageId":"another producer's"}"#,
    r#"{"messageId":"4111111111111111","timestamp":"Jan 1, 1970, 12:33:41\u202fAM","userId":"\u0000\u001b[2J"}"#,
    r#"{"messageId":7,"timestamp":1795377600,"headers":null,"priority":-1}"#,
    "{}",
    "null",
];

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Returns the event with these records, in envelopes chosen at random. A tenth of the records arrive twice. Offsets are
/// the same in each batch, as in a topic that is created again, and have gaps.
pub(crate) fn event(hub: Hub, batch: &[&Given], rng: &mut Rng) -> HubEvent {
    let mut records = Vec::new();
    for given in batch {
        let record = match hub {
            Hub::Kinesis => unreachable!("built without JSON"),
            Hub::Kafka => kafka_record(given, records.len(), rng),
            Hub::RabbitMq => rabbitmq_message(given, rng),
        };
        for _ in 0..=usize::from(rng.u8(..10) == 0) {
            records.push(record.clone());
        }
    }
    read(&if hub == Hub::Kafka { kafka_event(records, rng) } else { rabbitmq_event(&records) })
}

/// Decodes an event as the function does.
pub(crate) fn read(event: &Value) -> HubEvent {
    serde_json::from_str(&event.to_string()).unwrap()
}

fn kafka_record(given: &Given, place: usize, rng: &mut Rng) -> Value {
    let mut record = json!({
        "topic": "payments",
        "partition": place % PARTITIONS,
        "offset": place * place,
        "timestamp": 1_795_377_600_123_i64,
        "timestampType": "CREATE_TIME",
        "key": BASE64_STANDARD.encode(&given.partition_key),
        "value": BASE64_STANDARD.encode(&given.data),
        "headers": parse(rng.choice(KAFKA_HEADERS.iter()).unwrap()),
    });
    match rng.u8(..16) {
        0 => record["key"] = Value::Null,
        1 => record["key"] = json!("%%"),
        2 => record["key"] = json!(BASE64_STANDARD.encode([0xff, 0xfe, 0])),
        3 => record["timestamp"] = json!(-1),
        4 => record["timestampType"] = json!("LOG_APPEND_TIME"),
        5 => _ = record.as_object_mut().unwrap().remove("timestamp"),
        6 => _ = record.as_object_mut().unwrap().remove("key"),
        7 => _ = record.as_object_mut().unwrap().remove("headers"),
        _ => {}
    }
    record
}

/// Event of either kind of cluster.
pub(crate) fn kafka_event(records: Vec<Value>, rng: &mut Rng) -> Value {
    let mut partitions = Map::new();
    for record in records {
        let name = format!("payments-{}", record["partition"]);
        partitions.entry(name).or_insert_with(|| json!([])).as_array_mut().unwrap().push(record);
    }
    let source = rng.choice(["aws:kafka", "SelfManagedKafka"]).unwrap();
    json!({"eventSource": source, "bootstrapServers": "b-1.hub:9098", "records": partitions})
}

fn rabbitmq_message(given: &Given, rng: &mut Rng) -> Value {
    json!({
        "basicProperties": parse(rng.choice(PROPERTIES.iter()).unwrap()),
        "redelivered": rng.bool(),
        "data": BASE64_STANDARD.encode(&given.data),
    })
}

pub(crate) fn rabbitmq_event(messages: &[Value]) -> Value {
    json!({"eventSource": "aws:rmq", "rmqMessagesByQueue": {"orders.payments::/": messages}})
}

/// Returns Kafka records that no payment is in, each with the bytes that quarantine keeps.
pub(crate) fn kafka_poison() -> Vec<(&'static str, Value, Vec<u8>)> {
    let record =
        |value: Value| json!({"partition": 0, "offset": 7, "timestamp": 1_795_377_600_123_i64, "value": value});
    let keyed = |key: String| {
        let mut record = record(json!("Pw=="));
        record["key"] = json!(key);
        record
    };
    let large = vec![0xff; 1_048_576];
    vec![
        ("a null value", record(Value::Null), vec![]),
        ("an empty value", record(json!("")), vec![]),
        ("a value that is not base64", record(json!("%%")), b"%%".to_vec()),
        ("a value that is not text", record(json!({"a": [1]})), vec![]),
        ("another value at the same offset", record(json!("IQ==")), b"!".to_vec()),
        ("a value without a key", record(json!("Pw==")), b"?".to_vec()),
        ("a key that is not UTF-8", keyed(BASE64_STANDARD.encode([0xff, 0, 0x80])), b"?".to_vec()),
        ("a key of 1 MB", keyed(BASE64_STANDARD.encode(&large)), b"?".to_vec()),
        ("a value of 1 MB", record(json!(BASE64_STANDARD.encode(&large))), large),
    ]
}

/// Returns RabbitMQ messages that no payment is in, each with the bytes that quarantine keeps.
pub(crate) fn rabbitmq_poison() -> Vec<(&'static str, Value, Vec<u8>)> {
    let message = |message_id: Value, data: Value| json!({"basicProperties": {"messageId": message_id}, "data": data});
    let large = vec![0xff; 1_048_576];
    vec![
        ("no data", message(Value::Null, Value::Null), vec![]),
        ("empty data", message(Value::Null, json!("")), vec![]),
        ("data that is not base64", message(Value::Null, json!("%%")), b"%%".to_vec()),
        ("data without a message id", message(Value::Null, json!("Pw==")), b"?".to_vec()),
        ("the same data with a message id", message(json!("pay_1:1"), json!("Pw==")), b"?".to_vec()),
        ("a message id of another producer", message(json!("\u{1b}[2J#\n"), json!("Pw==")), b"?".to_vec()),
        ("data of 1 MB", message(Value::Null, json!(BASE64_STANDARD.encode(&large))), large),
    ]
}
