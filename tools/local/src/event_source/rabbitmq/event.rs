//! Lambda's event for messages of RabbitMQ
//! ([example](https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html#sample-mq-event)).
//!
//! AWS's mapping reads messages with Java's client and writes them as Java objects: text in headers as
//! `{"bytes": [signed bytes]}`, a timestamp as Java's date.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::amqp::{self, Delivery, Fields, Table};

const EVENT_END: &str = "]}}";

/// Returns a message as an element of the event's list, as JSON. `None` if its body was not read.
pub(super) fn message(delivery: &Delivery) -> Option<String> {
    let data = STANDARD.encode(delivery.body.as_ref()?);
    let properties = basic_properties(&delivery.header, delivery.size);
    Some(json!({"basicProperties": properties, "redelivered": delivery.redelivered, "data": data}).to_string())
}

/// Beginning of the event, up to the list of messages.
pub(super) fn event_start(broker_arn: &str, queue: &str, virtual_host: &str) -> String {
    let queue = Value::from(format!("{queue}::{virtual_host}"));
    let arn = Value::from(broker_arn);
    format!("{{\"eventSource\":\"aws:rmq\",\"eventSourceArn\":{arn},\"rmqMessagesByQueue\":{{{queue}:[")
}

/// Returns the event with these messages.
pub(super) fn event(start: &str, messages: &[&str]) -> String {
    format!("{start}{}{EVENT_END}", messages.join(","))
}

/// Size of an event without messages.
pub(super) fn frame_bytes(start: &str) -> usize {
    start.len() + EVENT_END.len()
}

/// Returns the properties of a content header: class, weight, body size, flags, and each property that its flag
/// announces. Malformed ones end the list: the broker has already read them, and a message must not be lost for them.
fn basic_properties(header: &[u8], body_size: u64) -> Value {
    let mut fields = Fields::new(header);
    let flags = fields
        .long()
        .and_then(|_class_and_weight| fields.long_long())
        .and_then(|_size| fields.short())
        .unwrap_or_default();
    let has = |bit: u16| flags & (1 << bit) != 0;
    let mut properties = json!({
        "contentType": null, "contentEncoding": null, "headers": null, "deliveryMode": null, "priority": null,
        "correlationId": null, "replyTo": null, "expiration": null, "messageId": null, "timestamp": null,
        "type": null, "userId": null, "appId": null, "clusterId": null, "bodySize": body_size,
    });
    for (bit, name) in (2..=15).rev().zip([
        "contentType",
        "contentEncoding",
        "headers",
        "deliveryMode",
        "priority",
        "correlationId",
        "replyTo",
        "expiration",
        "messageId",
        "timestamp",
        "type",
        "userId",
        "appId",
        "clusterId",
    ]) {
        if !has(bit) {
            continue;
        }
        let value = match name {
            "headers" => fields.table().map(object),
            "deliveryMode" | "priority" => fields.octet().map(Value::from),
            "timestamp" => fields.long_long().map(date),
            _ => fields.short_string().map(Value::from),
        };
        let Some(value) = value else { break };
        properties[name] = value;
    }
    properties
}

fn object(table: Table) -> Value {
    table.into_iter().map(|(name, value)| (name, header_value(value))).collect()
}

fn header_value(value: amqp::Value) -> Value {
    match value {
        amqp::Value::Bool(value) => value.into(),
        amqp::Value::Int(value) => value.into(),
        amqp::Value::Unsigned(value) => value.into(),
        // JSON has no other numbers.
        amqp::Value::Double(value) => Number::from_f64(value).map_or(Value::Null, Value::Number),
        amqp::Value::Decimal(scale, unscaled) => {
            let value = f64::from(unscaled) / 10_f64.powi(scale.into());
            Number::from_f64(value).map_or(Value::Null, Value::Number)
        }
        amqp::Value::Text(bytes) => json!({"bytes": signed(&bytes)}),
        amqp::Value::Bytes(bytes) => signed(&bytes),
        amqp::Value::Timestamp(seconds) => date(seconds),
        amqp::Value::Array(values) => values.into_iter().map(header_value).collect(),
        amqp::Value::Table(table) => object(table),
        amqp::Value::Void => Value::Null,
    }
}

/// Java's bytes are signed.
fn signed(bytes: &[u8]) -> Value {
    bytes.iter().map(|byte| byte.cast_signed()).collect()
}

/// Java's date in UTC, such as `Jan 1, 1970, 12:33:41 AM`; null after the year 9999, as when a producer wrote
/// milliseconds.
fn date(seconds: u64) -> Value {
    let format = format_description!(
        "[month repr:short] [day padding:none], [year], [hour repr:12 padding:none]:[minute]:[second] [period]"
    );
    let date = i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    date.and_then(|date| date.format(format).ok()).map_or(Value::Null, Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(flags: u16, properties: &[u8], body: &[u8]) -> Delivery {
        let size = body.len() as u64;
        let header = [&[0, 60, 0, 0], size.to_be_bytes().as_slice(), &flags.to_be_bytes(), properties].concat();
        Delivery { tag: 1, redelivered: true, header, size, body: Some(body.to_vec()) }
    }

    fn parsed(delivery: &Delivery) -> Value {
        serde_json::from_str(&message(delivery).unwrap()).unwrap()
    }

    #[test]
    fn a_message_has_the_form_of_lambdas_event() {
        let headers = b"\x07header1S\x00\x00\x00\x06value1\x0enumberInHeaderI\x00\x00\x00\x0a";
        let mut properties = b"\x0atext/plain".to_vec();
        properties.extend(u32::try_from(headers.len()).unwrap().to_be_bytes());
        properties.extend(headers);
        properties.extend(b"\x01\x22\x0560000");
        properties.extend(2_021_u64.to_be_bytes());
        properties.extend(b"\x14AIDACKCEVSQ6C2EXAMPLE");
        // The user id of AWS's example has 21 bytes.
        let length = properties.len() - 22;
        properties[length] = 21;
        let flags = 1 << 15 | 1 << 13 | 1 << 12 | 1 << 11 | 1 << 8 | 1 << 6 | 1 << 4;
        let message = parsed(&delivery(flags, &properties, br#"{"timeout":0,"data":"CZrmf0Gw8Ov4bqLQxD4E"}"#));
        let expected = json!({
            "basicProperties": {
                "contentType": "text/plain",
                "contentEncoding": null,
                "headers": {"header1": {"bytes": [118, 97, 108, 117, 101, 49]}, "numberInHeader": 10},
                "deliveryMode": 1,
                "priority": 34,
                "correlationId": null,
                "replyTo": null,
                "expiration": "60000",
                "messageId": null,
                "timestamp": "Jan 1, 1970, 12:33:41 AM",
                "type": null,
                "userId": "AIDACKCEVSQ6C2EXAMPLE",
                "appId": null,
                "clusterId": null,
                "bodySize": 43,
            },
            "redelivered": true,
            "data": "eyJ0aW1lb3V0IjowLCJkYXRhIjoiQ1pybWYwR3c4T3Y0YnFMUXhENEUifQ==",
        });
        assert_eq!(message, expected);
    }

    #[test]
    fn an_event_names_its_broker_queue_and_virtual_host() {
        let start = event_start("arn:b", "orders.\"payments\"", "/");
        let event = event(&start, &["1", "2"]);
        assert_eq!(event.len(), frame_bytes(&start) + 3);
        let event: Value = serde_json::from_str(&event).unwrap();
        let expected = json!({
            "eventSource": "aws:rmq", "eventSourceArn": "arn:b",
            "rmqMessagesByQueue": {"orders.\"payments\"::/": [1, 2]},
        });
        assert_eq!(event, expected);
    }

    #[test]
    fn a_message_without_properties_or_with_malformed_ones_is_still_a_message() {
        for (flags, properties) in [(0, b"".as_slice()), (u16::MAX, b"\xff"), (1 << 13, b"\x00\x00\x00\x02\x01n")] {
            let message = parsed(&delivery(flags, properties, b"\xff"));
            assert_eq!(message["data"], "/w==");
            assert!(message["basicProperties"]["headers"].is_null(), "{message}");
        }
    }

    #[test]
    fn headers_of_any_type_have_a_form_in_json() {
        let table = vec![
            ("text".to_owned(), amqp::Value::Text(vec![b'h', 0xc3, 0xab])),
            ("bytes".to_owned(), amqp::Value::Bytes(vec![0x80])),
            ("unsigned".to_owned(), amqp::Value::Unsigned(u64::MAX)),
            ("nan".to_owned(), amqp::Value::Double(f64::NAN)),
            ("decimal".to_owned(), amqp::Value::Decimal(2, 125)),
            ("late".to_owned(), amqp::Value::Timestamp(u64::MAX)),
            ("list".to_owned(), amqp::Value::Array(vec![amqp::Value::Void, amqp::Value::Bool(true)])),
            ("twice".to_owned(), amqp::Value::Int(1)),
            ("twice".to_owned(), amqp::Value::Table(vec![("n".to_owned(), amqp::Value::Double(0.5))])),
        ];
        let expected = json!({
            "text": {"bytes": [104, -61, -85]}, "bytes": [-128], "unsigned": u64::MAX, "nan": null, "decimal": 1.25,
            "late": null, "list": [null, true], "twice": {"n": 0.5},
        });
        assert_eq!(object(table), expected);
    }
}
