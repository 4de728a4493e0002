//! Content of secrets. Errors name fields and never values, so JSON errors, which quote values, are not passed on.

use serde_json::{Map, Value};

use crate::{Credentials, Failure};

const CREDENTIALS: &str = r#"{"username": "…", "password": "…"}"#;
const CERTIFICATE: &str = r#"{"certificate": "-----BEGIN CERTIFICATE-----…"}"#;
const API_KEY: &str = r#"{"api_key": "…"}"#;

pub(crate) fn credentials(text: &str) -> Result<Credentials, Failure> {
    let object = Object::parse(text, CREDENTIALS)?;
    Ok(Credentials { username: object.field("username")?, password: object.field("password")? })
}

pub(crate) fn certificate(text: &str) -> Result<String, Failure> {
    Object::parse(text, CERTIFICATE)?.field("certificate")
}

pub(crate) fn api_key(text: &str) -> Result<String, Failure> {
    Object::parse(text, API_KEY)?.field("api_key")
}

/// A secret with several fields, and its expected format.
struct Object {
    fields: Map<String, Value>,
    expected: &'static str,
}

impl Object {
    fn parse(text: &str, expected: &'static str) -> Result<Self, Failure> {
        let fields = serde_json::from_str(text).map_err(|_quotes_values| Failure::NotAnObject(expected))?;
        Ok(Self { fields, expected })
    }

    fn field(&self, field: &'static str) -> Result<String, Failure> {
        let text = self.fields.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or(Failure::Field { field, expected: self.expected })
    }
}
