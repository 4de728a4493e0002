//! The stream, as `AsyncAPI` 3.0: what Payments sends, and whoever may read it.

use payment_events::{PaymentEvent, PaymentStatus};
use serde_json::{Map, Value, json};

use crate::error::GenerateError;
use crate::events;
use crate::repository::{read_json, repository};
use crate::version::VERSION;

const DESCRIPTION: &str = "Every change of a payment, whole, in the order of its versions.\n\n\
    A record's data is one CloudEvents 1.0 object in JSON, and its partition key is the `order_id`, so that all that \
    concerns one order is in one shard, in order. Records may come twice, late, or after newer ones: **keep the highest \
    `version` of a payment, and let an older or equal one change nothing.** Let unknown fields pass. Set aside events of \
    types and major versions that you do not know.";

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
                "description": "A Kinesis data stream.",
                "parameters": {
                    "stream": { "description": "The name of the stream: the output `PaymentStream` of the stack." },
                },
                "messages": references,
                // There is no binding for Kinesis among those of AsyncAPI.
                "x-kinesis": {
                    "partitionKey": "$message.payload#/data/order_id",
                    "recordsPerEvent": 1,
                    "aggregated": false,
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
    let path = repository().join(format!("crates/payment-events/golden/{event_type}.json"));
    let golden = read_json(&path)?;
    Ok(json!({
        "name": event_type,
        "title": format!("A payment is {status}"),
        "summary": summary(status),
        "contentType": "application/cloudevents+json",
        "correlationId": {
            "description": "The same however often the event is sent.",
            "location": "$message.payload#/id",
        },
        "payload": { "$ref": format!("#/components/schemas/{event_type}") },
        "examples": [{ "name": "golden", "summary": "The golden event.", "payload": golden }],
    }))
}

fn summary(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Authorized => "The processor holds the amount; nothing is captured yet.",
        PaymentStatus::Captured => "It was captured, in full or in part; or refunded in part.",
        PaymentStatus::Refunded => "All that was captured has been refunded.",
        PaymentStatus::Voided => "The authorization was given up before anything was captured.",
        PaymentStatus::Declined => "The processor said no.",
    }
}
