//! Descriptions of a handler's arguments as parts of an operation.

use axum::Extension;
use axum::extract::State;
use http::HeaderMap;
use http_problems::builtin;
use http_requests::{JsonBody, PathParameter, QueryParameters};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

use crate::{Body, Location, Operation, Parameter};

/// An argument of a handler. It extracts a part of the request, or responds with a problem.
pub trait Input {
    /// Adds that part and those problems to the operation.
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator);
}

impl<T> Input for State<T> {
    fn describe(_: &mut Operation, _: &mut SchemaGenerator) {}
}

/// Not described: an extension is set by middleware, not by the caller.
impl<T> Input for Option<Extension<T>> {
    fn describe(_: &mut Operation, _: &mut SchemaGenerator) {}
}

/// Not described: a header that matters has an argument type of its own.
impl Input for HeaderMap {
    fn describe(_: &mut Operation, _: &mut SchemaGenerator) {}
}

impl<T: JsonSchema> Input for JsonBody<T> {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        operation.body = Some(Body { required: true, schema: schemas.subschema_for::<T>() });
        operation.may_answer([
            builtin::MALFORMED_JSON,
            builtin::INVALID_REQUEST,
            builtin::BODY_TOO_LARGE,
            builtin::UNSUPPORTED_MEDIA_TYPE,
            builtin::UNSUPPORTED_CONTENT_ENCODING,
        ]);
    }
}

impl<T: JsonSchema> Input for Option<JsonBody<T>> {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        JsonBody::<T>::describe(operation, schemas);
        if let Some(body) = &mut operation.body {
            body.required = false;
        }
    }
}

impl<T: JsonSchema> Input for PathParameter<T> {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        let name = operation.path.split(['{', '}']).nth(1).unwrap_or_default().to_owned();
        let mut schema = T::json_schema(schemas);
        let description = take_description(&mut schema);
        let schema = schemas.subschema_for::<T>();
        operation.parameter(Parameter { name, location: Location::Path, required: true, description, schema });
        // A value of `.` or `..`, or with a slash or an encoded one, is another path.
        operation.may_answer([builtin::INVALID_REQUEST, builtin::NO_SUCH_ROUTE, builtin::METHOD_NOT_ALLOWED]);
    }
}

/// Each field is a parameter.
impl<T: JsonSchema> Input for QueryParameters<T> {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        let query = T::json_schema(schemas);
        let required = query.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let fields = query.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        for (name, schema) in fields {
            let required = required.iter().any(|required| *required == *name);
            let Ok(mut schema) = schema.try_into() else { continue };
            let description = take_description(&mut schema);
            operation.parameter(Parameter { name, location: Location::Query, required, description, schema });
        }
        operation.may_answer([builtin::INVALID_REQUEST]);
    }
}

/// Removes the description from the schema, since it describes the parameter.
fn take_description(schema: &mut schemars::Schema) -> String {
    match schema.remove("description") {
        Some(Value::String(description)) => description,
        _ => String::new(),
    }
}

/// Arguments of a handler: the `T` of axum's `Handler<T, S>`.
pub trait Inputs {
    /// Adds the description of each argument to the operation.
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator);
}

macro_rules! inputs {
    ($($input:ident),*) => {
        /// `M` is axum's marker for how the last argument reads the request.
        impl<M, $($input: Input),*> Inputs for (M, $($input,)*) {
            fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
                $($input::describe(operation, schemas);)*
            }
        }
    };
}

inputs!(A);
inputs!(A, B);
inputs!(A, B, C);
inputs!(A, B, C, D);
inputs!(A, B, C, D, E);
