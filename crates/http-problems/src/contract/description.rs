//! All operations of an API, and the schemas they refer to.

use std::collections::BTreeMap;
use std::fmt;

use http::Method;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::{About, Inputs, Operation};
use crate::kinds;

/// Where schemas that are referred to are kept.
const SCHEMAS: &str = "/components/schemas";

/// Two types have one name, or one type is not read as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwoMeanings(pub String);

impl fmt::Display for TwoMeanings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the schema {} means two things: give one of them another name", self.0)
    }
}

impl std::error::Error for TwoMeanings {}

/// What an API serves: its operations in the order of its routes, and the schemas that they refer to.
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
    /// Of an API without routes.
    pub fn new() -> Self {
        let settings = || SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = SCHEMAS.into());
        Self {
            operations: Vec::new(),
            read: settings().for_deserialize().into_generator(),
            written: settings().for_serialize().into_generator(),
        }
    }

    /// The operations, in the order of the routes.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The schema of something that is answered, which may refer to others.
    pub fn answered(&mut self, schema: fn(&mut SchemaGenerator) -> Schema) -> Schema {
        schema(&mut self.written)
    }

    /// The schemas that are referred to, by their names.
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

    pub(super) fn operation<T: Inputs>(mut self, method: Method, path: &'static str, about: About) -> Self {
        let mut operation = Operation { method, path, parameters: Vec::new(), body: None, problems: Vec::new(), about };
        T::describe(&mut operation, &mut self.read);
        operation.may_answer(operation.about.problems.clone());
        operation.may_answer([kinds::CARD_NUMBER, kinds::INTERNAL, kinds::UNAVAILABLE]);
        self.operations.push(operation);
        self
    }
}
