//! What each type of event looks like, as JSON Schema: for whoever reads the stream without this crate.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::event::Outgoing;
use crate::{PaymentEvent, PaymentInfo, PaymentStatus};

impl PaymentEvent {
    /// The schema of the events about payments that stand there, as [`PaymentEvent::encode`] writes them: the envelope,
    /// its type, and what a payment of that status has and has not.
    ///
    /// What spans two values, such as that no more is refunded than was captured, JSON Schema cannot say.
    pub fn schema(status: PaymentStatus, schemas: &mut SchemaGenerator) -> Schema {
        let mut event = Outgoing::json_schema(schemas);
        let payment = schemas.subschema_for::<PaymentInfo>();
        let event_type = json!({
            "description": "What happened, and the major version of this contract.",
            "type": "string",
            "const": Self::type_of(status),
        });
        let data = json_schema!({
            "description": "The whole payment as of this version. The highest version is the truth.",
            "allOf": [payment, of_status(status)],
        });
        if let Some(Value::Object(properties)) = event.get_mut("properties") {
            properties.insert("type".to_owned(), event_type);
            properties.insert("data".to_owned(), data.to_value());
        }
        event.insert("title".to_owned(), Self::type_of(status).into());
        event
    }
}

/// What [`PaymentInfo::check`] asks of a status, as far as one value shows it.
fn of_status(status: PaymentStatus) -> Schema {
    let nothing = json!({ "const": 0 });
    let something = json!({ "minimum": 1 });
    let (captured, refunded) = match status {
        PaymentStatus::Captured => (&something, &json!(true)),
        PaymentStatus::Refunded => (&something, &something),
        PaymentStatus::Authorized | PaymentStatus::Voided | PaymentStatus::Declined => (&nothing, &nothing),
    };
    let mut schema = json_schema!({
        "properties": {
            "status": { "const": status.as_str() },
            "captured_minor": captured,
            "refunded_minor": refunded,
        },
    });
    let declined = json!({ "required": ["decline"] });
    match status {
        PaymentStatus::Declined => schema.insert("required".to_owned(), json!(["decline"])),
        _ => schema.insert("not".to_owned(), declined),
    };
    schema
}
