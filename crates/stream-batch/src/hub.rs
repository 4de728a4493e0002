//! Lambda event of whichever hub a consumer is deployed with.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::lenient::Groups;
use crate::{KafkaEvent, KinesisEvent, KinesisRecord, RabbitMqEvent, kafka, rabbitmq};

/// Event of Kinesis, Kafka or RabbitMQ.
///
/// The event's `eventSource` decides, in a single pass over the text: `aws:kinesis` (in each record), `aws:kafka` (Amazon
/// MSK), `SelfManagedKafka` or `aws:rmq`. The error for every other event names these.
#[derive(Debug, Clone, PartialEq)]
pub enum HubEvent {
    /// Batch of a Kinesis stream.
    Kinesis(KinesisEvent),
    /// Batch of a Kafka topic, of Amazon MSK or another cluster.
    Kafka(KafkaEvent),
    /// Batch of a RabbitMQ queue.
    RabbitMq(RabbitMqEvent),
}

impl From<KinesisEvent> for HubEvent {
    fn from(event: KinesisEvent) -> Self {
        Self::Kinesis(event)
    }
}

impl From<KafkaEvent> for HubEvent {
    fn from(event: KafkaEvent) -> Self {
        Self::Kafka(event)
    }
}

impl From<RabbitMqEvent> for HubEvent {
    fn from(event: RabbitMqEvent) -> Self {
        Self::RabbitMq(event)
    }
}

/// Event sources of [`HubEvent`], for messages.
pub(crate) const KNOWN_SOURCES: &str = "aws:kinesis, aws:kafka, SelfManagedKafka and aws:rmq";

impl<'de> Deserialize<'de> for HubEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HubVisitor)
    }
}

struct HubVisitor;

impl<'de> Visitor<'de> for HubVisitor {
    type Value = HubEvent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event of one of the known sources, which are {KNOWN_SOURCES}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<HubEvent, A::Error> {
        let mut source: Option<String> = None;
        let mut event = None;
        while let Some(name) = members.next_key::<Member>()? {
            match name {
                Member::Records => {
                    event = Some(KinesisEvent { records: members.next_value::<Vec<KinesisRecord>>()? }.into());
                }
                Member::KafkaRecords => {
                    event = Some(KafkaEvent::from(members.next_value::<Groups<kafka::Envelope>>()?).into());
                }
                Member::RabbitMqMessages => {
                    event = Some(RabbitMqEvent::from(members.next_value::<Groups<rabbitmq::Envelope>>()?).into());
                }
                Member::EventSource => source = Some(members.next_value()?),
                Member::Other => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        match (source.as_deref(), event) {
            (None, Some(event @ HubEvent::Kinesis(_)))
            | (Some("aws:kafka" | "SelfManagedKafka"), Some(event @ HubEvent::Kafka(_)))
            | (Some("aws:rmq"), Some(event @ HubEvent::RabbitMq(_))) => Ok(event),
            (Some(source @ ("aws:kafka" | "SelfManagedKafka")), _) => Err(Error::custom(format_args!(
                "an event of {source} must have records; known sources are {KNOWN_SOURCES}"
            ))),
            (Some(source @ "aws:rmq"), _) => Err(Error::custom(format_args!(
                "an event of {source} must have rmqMessagesByQueue; known sources are {KNOWN_SOURCES}"
            ))),
            (Some(source), _) => Err(unknown(source)),
            (None, _) => {
                Err(Error::custom(format_args!("the event has no eventSource; known sources are {KNOWN_SOURCES}")))
            }
        }
    }
}

/// Returns the error for an event of another source.
pub(crate) fn unknown<E: Error>(source: &str) -> E {
    // The text of a foreign event may be of any length.
    let source = source.get(..source.floor_char_boundary(100)).unwrap_or_default();
    E::custom(format_args!("unknown eventSource {source:?}; known sources are {KNOWN_SOURCES}"))
}

/// Members of an event that its hub is known by.
#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum Member {
    Records,
    #[serde(rename = "records")]
    KafkaRecords,
    #[serde(rename = "rmqMessagesByQueue")]
    RabbitMqMessages,
    #[serde(rename = "eventSource")]
    EventSource,
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(event: &str) -> String {
        serde_json::from_str::<HubEvent>(event).unwrap_err().to_string()
    }

    #[test]
    fn documented_events_are_told_apart_by_their_source() {
        let read = |text: &str| serde_json::from_str::<HubEvent>(text).unwrap();
        assert!(
            matches!(read(include_str!("../tests/events/kinesis.json")), HubEvent::Kinesis(event) if event.records.len() == 2)
        );
        assert!(
            matches!(read(include_str!("../tests/events/msk.json")), HubEvent::Kafka(event) if event.records.len() == 1)
        );
        let self_managed = read(include_str!("../tests/events/self_managed_kafka.json"));
        assert!(matches!(self_managed, HubEvent::Kafka(event) if event.records.len() == 1));
        let rabbitmq = read(include_str!("../tests/events/rabbitmq.json"));
        assert!(matches!(rabbitmq, HubEvent::RabbitMq(event) if event.messages.len() == 1));
    }

    #[test]
    fn the_source_may_follow_the_records() {
        let event = serde_json::from_str(r#"{"records":{"t-0":[{}]},"later":[1],"eventSource":"SelfManagedKafka"}"#);
        assert!(matches!(event, Ok(HubEvent::Kafka(event)) if event.records.len() == 1));
    }

    #[test]
    fn the_error_for_another_event_names_the_known_sources() {
        let others = [
            include_str!("../tests/events/dynamodb.json"),
            r#"{"Records":[{"messageId":"1","body":"{}","eventSource":"aws:sqs"}]}"#,
            r#"{"eventSource":"aws:mq","messages":[]}"#,
            r#"{"eventSource":"aws:kinesis","records":{"t-0":[]}}"#,
            r#"{"eventSource":"aws:rmq","records":{"t-0":[]}}"#,
            r#"{"invocationId":"1","records":[{"data":"eA=="}]}"#,
            r#"{"eventSource":"aws:kafka","records":[]}"#,
            r#"{"records":{"t-0":[]}}"#,
            r#"{"rmqMessagesByQueue":{}}"#,
            "{}",
            "[]",
            "null",
        ];
        for other in others {
            let error = error(other);
            for source in ["aws:kinesis", "aws:kafka", "SelfManagedKafka", "aws:rmq"] {
                assert!(error.contains(source), "{other}: {error}");
            }
        }
        assert!(error(others[0]).contains(r#"unknown eventSource "aws:dynamodb""#), "{}", error(others[0]));
        let long = format!(r#"{{"eventSource":"{}"}}"#, "é".repeat(10_000));
        assert!(error(&long).len() < 300);
    }

    /// An event that has no records would be acknowledged.
    #[test]
    fn an_event_without_its_records_is_an_error() {
        for event in [
            r#"{"eventSource":"aws:kafka"}"#,
            r#"{"eventSource":"aws:kafka","records":null}"#,
            r#"{"eventSource":"SelfManagedKafka","rmqMessagesByQueue":{}}"#,
            r#"{"eventSource":"aws:rmq"}"#,
            r#"{"Records":[{"kinesis":{"data":""}}],"eventSource":"aws:rmq"}"#,
        ] {
            error(event);
        }
    }
}
