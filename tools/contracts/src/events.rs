//! JSON Schemas of the events on the payment stream.

use std::collections::BTreeMap;

use jsonschema::Validator;
use payment_events::{PaymentEvent, PaymentStatus};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// Schemas of all event types, with their validators.
pub struct EventSchemas {
    schemas: BTreeMap<&'static str, (Value, Validator)>,
}

impl Default for EventSchemas {
    fn default() -> Self {
        Self::new()
    }
}

impl EventSchemas {
    /// Generates the schemas from the code.
    ///
    /// # Panics
    /// If a generated schema is invalid, which would be a bug in `payment-events`.
    pub fn new() -> Self {
        let schemas = PaymentStatus::ALL.map(|status| {
            let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
            let mut schema = PaymentEvent::schema(status, &mut generator);
            schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
            schema.insert("$defs".to_owned(), Value::Object(generator.take_definitions(true)));
            let schema = schema.to_value();
            let validator = jsonschema::options().should_validate_formats(true).build(&schema);
            let validator = validator.unwrap_or_else(|error| panic!("invalid schema of {status} events: {error}"));
            (PaymentEvent::type_of(status), (schema, validator))
        });
        Self { schemas: schemas.into_iter().collect() }
    }

    /// Returns a self-contained schema for each event type.
    pub fn standalone(&self) -> impl Iterator<Item = (&'static str, Value)> {
        self.schemas.iter().map(|(event_type, (schema, _))| (*event_type, schema.clone()))
    }

    /// Returns all violations of the event type's schema, or the type itself if it is unknown.
    pub fn breaches(&self, event: &Value) -> Vec<String> {
        let event_type = event["type"].as_str().unwrap_or_default();
        match self.schemas.get(event_type) {
            Some((_, validator)) => breaches(validator, event),
            None => vec![format!("/type: there is no event type {event_type:?}")],
        }
    }
}

/// Returns all violations of a schema, each with its JSON pointer.
pub(crate) fn breaches(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Returns the schemas of all event types in the dialect of `AsyncAPI`, and those that they refer to in
/// `#/components/schemas`.
pub(crate) fn for_asyncapi() -> (Vec<(PaymentStatus, Value)>, Value) {
    let settings = SchemaSettings::draft07().with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator: SchemaGenerator = settings.for_serialize().into_generator();
    let schemas = PaymentStatus::ALL.map(|status| (status, PaymentEvent::schema(status, &mut generator).to_value()));
    (schemas.into(), Value::Object(generator.take_definitions(true)))
}
