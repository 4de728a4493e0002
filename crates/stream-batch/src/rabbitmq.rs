//! Lambda event of a RabbitMQ queue.
//!
//! Decodes only the fields that identify a message, and its data, each of them from any JSON value: no field, such as a
//! header of another producer, can make a batch undecodable. Source:
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html>.

use std::sync::Arc;

use serde::Deserialize;

use crate::lenient::{Base64, Flag, Groups, Text};

/// Batch of messages of one queue.
///
/// The event has no delivery tag and no routing key. Lambda acknowledges or redelivers the batch as a whole: see
/// [`BatchResponse::all_or_nothing`](crate::BatchResponse::all_or_nothing).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "RabbitMqPayload")]
pub struct RabbitMqEvent {
    /// Messages, in the order of the queue.
    pub messages: Vec<RabbitMqMessage>,
}

/// One message of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RabbitMqMessage {
    /// Name of the queue, without its virtual host.
    pub queue: Arc<str>,
    /// Property `message-id` that the producer set.
    pub message_id: Option<String>,
    /// Property `timestamp` that the producer set, as Lambda formats it: `Jan 1, 1970, 12:33:41 AM`. It is the same in
    /// each delivery.
    pub timestamp: Option<String>,
    /// True if the broker has delivered the message before.
    pub redelivered: bool,
    /// Data of the message.
    pub data: RabbitMqData,
}

/// Data of a RabbitMQ message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RabbitMqData {
    /// Body of the message.
    Body(Vec<u8>),
    /// Lambda's event has text here that is not base64, or no text, which is empty here.
    NotBase64(Vec<u8>),
}

/// Payload of the event, whatever else it has.
#[derive(Deserialize)]
struct RabbitMqPayload {
    #[serde(rename = "rmqMessagesByQueue")]
    messages_by_queue: Groups<Envelope>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    #[serde(default)]
    basic_properties: Option<BasicProperties>,
    #[serde(default)]
    redelivered: Flag,
    #[serde(default)]
    data: Base64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BasicProperties {
    #[serde(default)]
    message_id: Text,
    #[serde(default)]
    timestamp: Text,
}

impl From<RabbitMqPayload> for RabbitMqEvent {
    fn from(payload: RabbitMqPayload) -> Self {
        Self::from(payload.messages_by_queue)
    }
}

impl From<Groups<Envelope>> for RabbitMqEvent {
    fn from(Groups(queues): Groups<Envelope>) -> Self {
        let mut messages = Vec::with_capacity(queues.iter().map(|(_, messages)| messages.len()).sum());
        for (queue, envelopes) in queues {
            // Lambda names a queue `<queue>::<virtual host>`. Both may contain colons.
            let queue: Arc<str> = queue.rsplit_once("::").map_or(queue.as_str(), |(queue, _)| queue).into();
            messages.extend(envelopes.into_iter().map(|envelope| envelope.into_message(&queue)));
        }
        Self { messages }
    }
}

impl Envelope {
    fn into_message(self, queue: &Arc<str>) -> RabbitMqMessage {
        let BasicProperties { message_id, timestamp } = self.basic_properties.unwrap_or_default();
        RabbitMqMessage {
            queue: Arc::clone(queue),
            message_id: message_id.0,
            timestamp: timestamp.0,
            redelivered: self.redelivered.0,
            data: match self.data {
                Base64::Bytes(body) => RabbitMqData::Body(body),
                Base64::Absent => RabbitMqData::NotBase64(Vec::new()),
                Base64::Invalid(text) => RabbitMqData::NotBase64(text),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &str) -> RabbitMqMessage {
        let event: RabbitMqEvent =
            serde_json::from_str(&format!(r#"{{"rmqMessagesByQueue":{{"orders::/":[{message}]}}}}"#)).unwrap();
        event.messages.into_iter().next().unwrap()
    }

    #[test]
    fn the_documented_event_is_decoded() {
        let event: RabbitMqEvent = serde_json::from_str(include_str!("../tests/events/rabbitmq.json")).unwrap();
        let [message] = event.messages.as_slice() else { panic!("one message: {event:?}") };
        assert_eq!((&*message.queue, message.redelivered), ("pizzaQueue", false));
        assert_eq!(
            (message.message_id.as_deref(), message.timestamp.as_deref()),
            (None, Some("Jan 1, 1970, 12:33:41 AM"))
        );
        let body = br#"{"timeout":0,"data":"CZrmf0Gw8Ov4bqLQxD4E"}"#;
        assert_eq!(message.data, RabbitMqData::Body(body.to_vec()));
    }

    #[test]
    fn a_queue_is_named_without_its_virtual_host() {
        let event: RabbitMqEvent =
            serde_json::from_str(r#"{"rmqMessagesByQueue":{"a::b::/":[{}],"plain":[{}],"c::v":null}}"#).unwrap();
        let queues: Vec<_> = event.messages.iter().map(|message| &*message.queue).collect();
        assert_eq!(queues, ["a::b", "plain"]);
    }

    #[test]
    fn one_bad_field_does_not_affect_the_others() {
        for properties in [
            "null",
            "{}",
            r#"{"messageId":7,"timestamp":{},"headers":{"h":{"bytes":[104,-61,-85]},"n":1e400},"bodySize":"x"}"#,
            r#"{"messageId":null,"timestamp":1795377600,"headers":[],"deliveryMode":null,"priority":-1}"#,
        ] {
            let message = read(&format!(r#"{{"basicProperties":{properties},"redelivered":1,"data":"eA=="}}"#));
            assert_eq!(
                (message.message_id, message.timestamp, message.redelivered),
                (None, None, false),
                "{properties}"
            );
            assert_eq!(message.data, RabbitMqData::Body(b"x".to_vec()), "{properties}");
        }
        assert_eq!(read(r#"{"data":"?"}"#).data, RabbitMqData::NotBase64(b"?".to_vec()));
        assert_eq!(read(r#"{"data":null}"#).data, RabbitMqData::NotBase64(vec![]));
        assert!(read(r#"{"redelivered":true}"#).redelivered);
    }
}
