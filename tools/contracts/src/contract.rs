//! Checks of requests and responses against the document of an API.

use std::collections::{HashMap, HashSet};

use jsonschema::Validator;
use serde_json::{Value, json};
use uri_paths::matches_template;

use crate::events::breaches;
use crate::json::members;

/// An `OpenAPI` document, compiled to check requests and responses.
pub struct Contract {
    operations: Vec<CheckedOperation>,
    /// All documented headers, in lower case. Others come from intermediaries and are not checked.
    headers: HashSet<String>,
}

struct CheckedOperation {
    method: String,
    path: String,
    body: Option<Validator>,
    responses: HashMap<u16, CheckedResponse>,
}

struct CheckedResponse {
    headers: Vec<CheckedHeader>,
    /// Validators of the body by media type.
    bodies: HashMap<String, Validator>,
}

struct CheckedHeader {
    name: String,
    is_required: bool,
    validator: Validator,
}

/// A response to check.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// HTTP status.
    pub status: u16,
    /// Headers, each with its name in any case and its value.
    pub headers: &'a [(&'a str, &'a str)],
    /// Body, as JSON.
    pub body: &'a Value,
}

/// A violation of the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Breach(pub String);

impl Contract {
    /// Compiles an `OpenAPI` 3.1 document, whose references must all point to `#/components/schemas`.
    pub fn new(document: &Value) -> Result<Self, Breach> {
        let mut operations = Vec::new();
        for (path, item) in members(&document["paths"]) {
            for (method, operation) in members(item) {
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                let body = schema.is_object().then(|| validator(document, schema)).transpose()?;
                let responses = members(&operation["responses"])
                    .map(|(status, response)| {
                        Ok((status.parse().unwrap_or(0), CheckedResponse::new(document, response)?))
                    })
                    .collect::<Result<_, Breach>>()?;
                operations.push(CheckedOperation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    body,
                    responses,
                });
            }
        }
        let responses = operations.iter().flat_map(|operation| operation.responses.values());
        let headers = responses.flat_map(|response| &response.headers);
        let headers = headers.map(|header| header.name.to_ascii_lowercase()).collect();
        Ok(Self { operations, headers })
    }

    /// Returns the method and path of each operation.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.operations.iter().map(|operation| (operation.method.as_str(), operation.path.as_str()))
    }

    /// Returns true if there is an operation for this method and path; the path may have a query.
    pub fn knows(&self, method: &str, path: &str) -> bool {
        self.operation(method, path).is_some()
    }

    /// Checks a request body.
    pub fn takes(&self, method: &str, path: &str, body: &Value) -> Result<(), Breach> {
        let validator = self.operation(method, path).and_then(|operation| operation.body.as_ref());
        let validator = validator.ok_or_else(|| Breach(format!("{method} {path} has no request body")))?;
        check(&format!("{method} {path}: the body"), validator, body)
    }

    /// Checks a response.
    pub fn allows(&self, method: &str, path: &str, answered: Answered<'_>) -> Result<(), Breach> {
        let Answered { status, headers, body } = answered;
        let what = format!("{method} {path} responded {status}");
        let operation = self.operation(method, path).ok_or_else(|| Breach(format!("{what}: no such operation")))?;
        let response =
            operation.responses.get(&status).ok_or_else(|| Breach(format!("{what}: undocumented status: {body}")))?;
        for CheckedHeader { name, is_required, validator } in &response.headers {
            match headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)) {
                Some((_, value)) => check_header(&format!("{what}: header {name}"), validator, value)?,
                None if *is_required => return Err(Breach(format!("{what}: missing header {name}"))),
                None => {}
            }
        }
        let known = |name: &str| response.headers.iter().any(|known| known.name.eq_ignore_ascii_case(name));
        let ours = |name: &str| self.headers.contains(&name.to_ascii_lowercase());
        if let Some((name, _)) = headers.iter().find(|(name, _)| ours(name) && !known(name)) {
            return Err(Breach(format!("{what}: undocumented header {name}")));
        }
        if response.bodies.is_empty() {
            let is_empty = body.is_null();
            return if is_empty { Ok(()) } else { Err(Breach(format!("{what}: undocumented body {body}"))) };
        }
        let content_type =
            headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type")).map_or("", |(_, value)| *value);
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let validator = response.bodies.get(essence);
        let validator = validator.ok_or_else(|| Breach(format!("{what}: undocumented content type {essence:?}")))?;
        check(&format!("{what}: the body {body}"), validator, body)
    }

    fn operation(&self, method: &str, path: &str) -> Option<&CheckedOperation> {
        let path = path.split('?').next().unwrap_or_default();
        self.operations.iter().find(|operation| operation.method == method && matches_template(&operation.path, path))
    }
}

impl CheckedResponse {
    fn new(document: &Value, response: &Value) -> Result<Self, Breach> {
        let headers = members(&response["headers"]).map(|(name, header)| {
            let validator = validator(document, &header["schema"])?;
            Ok(CheckedHeader { name: name.clone(), is_required: header["required"] == true, validator })
        });
        let bodies = members(&response["content"])
            .map(|(media_type, content)| Ok((media_type.clone(), validator(document, &content["schema"])?)));
        Ok(Self { headers: headers.collect::<Result<_, Breach>>()?, bodies: bodies.collect::<Result<_, Breach>>()? })
    }
}

fn validator(document: &Value, schema: &Value) -> Result<Validator, Breach> {
    let whole = json!({ "allOf": [schema], "components": { "schemas": document["components"]["schemas"] } });
    let built = jsonschema::options().should_validate_formats(true).build(&whole);
    built.map_err(|error| Breach(format!("not a schema: {error}: {schema}")))
}

fn check(what: &str, validator: &Validator, value: &Value) -> Result<(), Breach> {
    let breaches = breaches(validator, value);
    if breaches.is_empty() { Ok(()) } else { Err(Breach(format!("{what}: {}", breaches.join("; ")))) }
}

/// Checks the value of a header, as an integer if its schema does not accept text.
fn check_header(what: &str, validator: &Validator, text: &str) -> Result<(), Breach> {
    let value = Value::from(text);
    match text.parse::<i64>() {
        Ok(number) if !validator.is_valid(&value) => check(what, validator, &number.into()),
        _ => check(what, validator, &value),
    }
}
