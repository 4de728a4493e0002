//! Description of an API: its operations and their schemas.

use std::collections::BTreeMap;

use http::Method;
use http_problems::builtin;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use crate::{Inputs, Operation, OperationDoc};

/// JSON pointer to the referenced schemas.
const SCHEMAS: &str = "/components/schemas";

/// One schema name for two schemas: two types share a name, or a type is not deserialized as it is serialized.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two different schemas are named {0}: rename one of the types")]
pub struct TwoMeanings(pub String);

/// Operations of an API in the order of its routes, and the schemas that they refer to.
///
/// Schemas are in JSON Schema 2020-12, the dialect of `OpenAPI` 3.1. References lead to `#/components/schemas/`.
#[derive(Debug)]
pub struct Description {
    operations: Vec<Operation>,
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Default for Description {
    fn default() -> Self {
        Self::new()
    }
}

impl Description {
    /// Creates the description of an API without routes.
    pub fn new() -> Self {
        let settings = || SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = SCHEMAS.into());
        Self {
            operations: Vec::new(),
            read: settings().for_deserialize().into_generator(),
            written: settings().for_serialize().into_generator(),
        }
    }

    /// Returns the operations, in the order of the routes.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Returns the schema of a response's body, which may refer to others.
    pub fn response_schema(&mut self, schema: fn(&mut SchemaGenerator) -> Schema) -> Schema {
        schema(&mut self.written)
    }

    /// Returns the referenced schemas by name.
    pub fn schemas(&mut self) -> Result<BTreeMap<String, Value>, TwoMeanings> {
        let mut schemas: BTreeMap<_, _> = self.read.take_definitions(true).into_iter().collect();
        for (name, schema) in self.written.take_definitions(true) {
            match schemas.insert(name.clone(), schema.clone()) {
                Some(other) if other != schema => return Err(TwoMeanings(name)),
                _ => {}
            }
        }
        Ok(schemas)
    }

    pub(crate) fn operation<T: Inputs>(mut self, method: Method, path: &'static str, doc: OperationDoc) -> Self {
        let mut operation = Operation { method, path, parameters: Vec::new(), body: None, problems: Vec::new(), doc };
        T::describe(&mut operation, &mut self.read);
        operation.may_answer(operation.doc.problems.clone());
        operation.may_answer([builtin::CARD_NUMBER, builtin::INTERNAL, builtin::UNAVAILABLE]);
        self.operations.push(operation);
        self
    }
}
