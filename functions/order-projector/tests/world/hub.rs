//! Events and responses of each hub, as Lambda sends and reads them.

use data_encoding::BASE64;
use serde_json::{Value, json};

/// Hub that a batch comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Hub {
    #[default]
    Kinesis,
    Kafka,
    RabbitMq,
}

pub(crate) const HUBS: [Hub; 3] = [Hub::Kinesis, Hub::Kafka, Hub::RabbitMq];

/// Time of each record at the hub, in milliseconds since the Unix epoch. RabbitMQ has none.
pub(crate) const ARRIVED_AT_UNIX_MS: i64 = 1_700_000_001_500;

impl Hub {
    /// Returns the event with these keys and data: sequence numbers or offsets from 100, one shard, partition or queue.
    pub(crate) fn event(self, records: &[(&str, Vec<u8>)]) -> Value {
        let records = records.iter().zip(100..);
        match self {
            Self::Kinesis => {
                let records = records.map(|((key, data), number)| kinesis_record(key, data, number));
                json!({"Records": records.collect::<Vec<_>>()})
            }
            Self::Kafka => {
                let records = records.map(|((key, data), offset)| kafka_record(key, data, offset));
                kafka_event(&[("payments-0", records.collect())])
            }
            Self::RabbitMq => {
                let messages = records.map(|((_, data), _)| rabbitmq_message(data));
                rabbitmq_event(&messages.collect::<Vec<_>>())
            }
        }
    }

    /// Returns the response that reports the records with these numbers, or the error of the invocation.
    pub(crate) fn failures(self, numbers: &[&str]) -> Value {
        let of = |identifiers: Vec<Value>| {
            let failures = identifiers.into_iter().map(|identifier| json!({"itemIdentifier": identifier}));
            json!({"batchItemFailures": failures.collect::<Vec<_>>()})
        };
        match self {
            _ if numbers.is_empty() => of(vec![]),
            Self::Kinesis => of(numbers.iter().map(|number| json!(number)).collect()),
            Self::Kafka => {
                let lowest: Option<i64> = numbers.iter().map(|number| number.parse().unwrap()).min();
                of(vec![json!({"partition": "payments-0", "offset": lowest})])
            }
            Self::RabbitMq => json!({"error": "BatchFailed"}),
        }
    }
}

fn kinesis_record(partition_key: &str, data: &[u8], number: i64) -> Value {
    json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": partition_key,
            "sequenceNumber": number.to_string(),
            "data": BASE64.encode(data),
            "approximateArrivalTimestamp": 1_700_000_001.5,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("shardId-000000000006:{number}"),
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/projector",
        "awsRegion": "eu-central-1",
        "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/payments",
    })
}

pub(crate) fn kafka_record(key: &str, data: &[u8], offset: i64) -> Value {
    json!({
        "topic": "payments",
        "partition": 0,
        "offset": offset,
        "timestamp": ARRIVED_AT_UNIX_MS,
        "timestampType": "CREATE_TIME",
        "key": BASE64.encode(key.as_bytes()),
        "value": BASE64.encode(data),
        "headers": [{"content-type": [97, 112, 112]}, {"name": [104, -61, -85]}],
    })
}

/// Event of MSK with the records of these partitions.
pub(crate) fn kafka_event(partitions: &[(&str, Vec<Value>)]) -> Value {
    json!({
        "eventSource": "aws:kafka",
        "eventSourceArn": "arn:aws:kafka:eu-central-1:123456789012:cluster/hub/751d2973-a626-431c-9d4e-d7975eb44dd7-2",
        "bootstrapServers": "b-1.hub.a1bcde.c1.kafka.eu-central-1.amazonaws.com:9098",
        "records": partitions.iter().map(|(name, records)| ((*name).to_owned(), json!(records))).collect::<serde_json::Map<_, _>>(),
    })
}

pub(crate) fn rabbitmq_message(data: &[u8]) -> Value {
    json!({
        "basicProperties": {
            "contentType": "application/cloudevents+json",
            "contentEncoding": null,
            "headers": {"name": {"bytes": [104, -61, -85]}, "number": 10},
            "deliveryMode": 2,
            "priority": null,
            "correlationId": null,
            "replyTo": null,
            "expiration": null,
            "messageId": null,
            "timestamp": "Nov 14, 2023, 10:13:21 PM",
            "type": null,
            "userId": null,
            "appId": null,
            "clusterId": null,
            "bodySize": data.len(),
        },
        "redelivered": false,
        "data": BASE64.encode(data),
    })
}

pub(crate) fn rabbitmq_event(messages: &[Value]) -> Value {
    json!({
        "eventSource": "aws:rmq",
        "eventSourceArn": "arn:aws:mq:eu-central-1:123456789012:broker:hub:b-9bcfa592-423a-4942-879d-eb284b418fc8",
        "rmqMessagesByQueue": {"orders.payments::/": messages},
    })
}
