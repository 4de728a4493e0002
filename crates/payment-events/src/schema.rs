//! JSON Schema of each event type, for consumers that do not use this crate.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::event::Outgoing;
use crate::{PaymentEvent, PaymentInfo, PaymentStatus, Transition, TransitionAction};

impl PaymentEvent {
    /// Returns the schema of the events about payments with this status, as [`PaymentEvent::encode`] writes them: the
    /// envelope, the event type, and the constraints of that status on the payment's fields.
    ///
    /// JSON Schema cannot express a constraint between two values, such as that refunds do not exceed captures.
    pub fn schema(status: PaymentStatus, schemas: &mut SchemaGenerator) -> Schema {
        let mut event = Outgoing::json_schema(schemas);
        let payment = schemas.subschema_for::<PaymentInfo>();
        let transition = json!({
            "description": "Transition that made this version. Events from before version 2 of the contracts have none.",
            "allOf": [schemas.subschema_for::<Transition>()],
            "properties": { "action": { "enum": TransitionAction::leading_to(status) } },
        });
        let event_type = json!({
            "description": "Kind of change, and the major version of this event type.",
            "type": "string",
            "const": Self::type_of(status),
        });
        let data = json_schema!({
            "description": "The whole payment as of this version. The highest version wins.",
            "allOf": [payment, of_status(status)],
            "properties": { "transition": transition },
        });
        if let Some(Value::Object(properties)) = event.get_mut("properties") {
            properties.insert("type".to_owned(), event_type);
            properties.insert("data".to_owned(), data.to_value());
        }
        event.insert("title".to_owned(), Self::type_of(status).into());
        event
    }
}

/// Constraints of [`PaymentInfo::check`] that apply to a single value of a payment with this status.
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
