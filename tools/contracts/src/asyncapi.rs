//! The `AsyncAPI` 3.0 document of the payment stream.

use payment_events::{PaymentEvent, PaymentStatus};
use serde_json::{Map, Value, json};

use crate::error::GenerateError;
use crate::events;
use crate::repository::{read_json, repository};
use crate::version::VERSION;

const DESCRIPTION: &str = "Every change of a payment, each with the payment's full state.\n\nThe data of a \
    record or message is one CloudEvents 1.0 object in JSON. It is published under the `order_id`: the partition key in \
    Kinesis, the record key in Kafka, the routing key in RabbitMQ. So all events of one order are in one shard, \
    partition or queue, in the order of publication. Delivery is at-least-once: a record may arrive more than once, late, or after a newer \
    one. **Keep the highest `version` of a payment and ignore an older or equal one.** Ignore unknown fields. \
    Quarantine events of types and major versions that you do not know.\n\nA consumer that acts on changes, for example \
    by moving money, acts on `data.transition` and not on the type: a refund in part is a `payment.captured.v1`, because \
    the payment stays captured. The versions of a payment first appear in order. **Act on a version only if it is the \
    last one plus 1**, and keep later ones until the gap is filled.";

pub(crate) fn document() -> Result<Value, GenerateError> {
    let (schemas, referred_to) = events::for_asyncapi();
    let mut components = referred_to;
    let (mut messages, mut references) = (Map::new(), Map::new());
    for (status, schema) in schemas {
        let event_type = PaymentEvent::type_of(status);
        components[event_type] = schema;
        messages.insert(event_type.to_owned(), message(status)?);
        let reference = json!({ "$ref": format!("#/components/messages/{event_type}") });
        references.insert(event_type.to_owned(), reference);
    }
    let sent: Vec<_> =
        references.keys().map(|name| json!({ "$ref": format!("#/channels/paymentEvents/messages/{name}") })).collect();
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Paystream payment events",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            "paymentEvents": {
                "address": "{stream}",
                "title": "The payment stream",
                "description": "A Kinesis data stream, a Kafka topic or a RabbitMQ exchange: the hub that the stack is \
                    deployed with.",
                "parameters": {
                    "stream": {
                        "description": "Name of the stream: the stack's output `PaymentStream`. With Kafka, the topic: \
                            parameter `KafkaTopic`. With RabbitMQ, the exchange: parameter `RabbitMqExchange`.",
                    },
                },
                "messages": references,
                // AsyncAPI has no binding for Kinesis.
                "x-kinesis": {
                    "partitionKey": "$message.payload#/data/order_id",
                    "recordsPerEvent": 1,
                    "aggregated": false,
                },
                "bindings": {
                    "kafka": { "bindingVersion": "0.5.0" },
                    "amqp": {
                        "is": "routingKey",
                        "exchange": { "name": "payments", "type": "topic", "durable": true, "autoDelete": false },
                        "bindingVersion": "0.3.0",
                    },
                },
            },
        },
        "operations": {
            "publishPayment": {
                "action": "send",
                "summary": "Payments publishes each version of a payment at least once.",
                "channel": { "$ref": "#/channels/paymentEvents" },
                "messages": sent,
            },
        },
        "components": { "messages": messages, "schemas": components },
    }))
}

fn message(status: PaymentStatus) -> Result<Value, GenerateError> {
    let event_type = PaymentEvent::type_of(status);
    let examples = goldens(status).iter().map(|(name, suffix, summary)| {
        let path = repository().join(format!("crates/payment-events/golden/{event_type}{suffix}.json"));
        Ok(json!({ "name": name, "summary": summary, "payload": read_json(&path)? }))
    });
    let examples = examples.collect::<Result<Vec<_>, GenerateError>>()?;
    Ok(json!({
        "name": event_type,
        "title": format!("Payment {status}"),
        "summary": summary(status),
        "contentType": "application/cloudevents+json",
        "correlationId": {
            "description": "Id of the event, the same each time it is sent.",
            "location": "$message.payload#/id",
        },
        "bindings": {
            "kafka": {
                "key": { "type": "string", "description": "The order id; its murmur2 hash decides on the partition." },
                "bindingVersion": "0.5.0",
            },
            "amqp": { "bindingVersion": "0.3.0" },
        },
        "payload": { "$ref": format!("#/components/schemas/{event_type}") },
        "examples": examples,
    }))
}

/// Returns the golden events with this status: name, suffix of the file after the event type, and summary.
fn goldens(status: PaymentStatus) -> &'static [(&'static str, &'static str, &'static str)] {
    const WITHOUT: (&str, &str, &str) = ("golden", "", "The golden event of contracts 1, without a transition.");
    const WITH: (&str, &str, &str) = ("transition", ".1", "The golden event with its transition.");
    const REFUND: (&str, &str, &str) = ("refund", ".1.refund", "A refund in part: the payment stays captured.");
    if status == PaymentStatus::Captured { &[WITH, REFUND, WITHOUT] } else { &[WITH, WITHOUT] }
}

fn summary(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Authorized => "The processor holds the amount; nothing is captured yet.",
        PaymentStatus::Captured => "The payment was captured, in full or in part; or it was refunded in part.",
        PaymentStatus::Refunded => "The captured amount was refunded in full.",
        PaymentStatus::Voided => "The authorization was voided before any capture.",
        PaymentStatus::Declined => "The processor declined the payment.",
    }
}
