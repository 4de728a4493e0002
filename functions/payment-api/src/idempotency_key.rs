//! The `Idempotency-Key` header.
//!
//! Source: [draft-ietf-httpapi-idempotency-key-header](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/),
//! which makes it a String of [RFC 9651, section 3.3.3](https://www.rfc-editor.org/rfc/rfc9651#section-3.3.3). This API
//! also accepts a value without quotes, as most clients send it.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use http_problems::{Problem, builtin};
use openapi_routes::{Input, Operation, Parameter};
use payments::IdempotencyKey;
use schemars::{Schema, SchemaGenerator, json_schema};

use crate::headers::single;
use crate::problems;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Regular expression of the header: a value without quotes and commas, or a String of RFC 9651 that is not empty.
const SYNTAX: &str = r#"^([!#-+\--~][!-+\--~]*|"([ !#-\[\]-~]|\\["\\])+")$"#;

fn schema() -> Schema {
    json_schema!({
        "description": "Idempotency key, chosen by the caller, which makes a retry safe: visible ASCII, such as a UUID. \
                        In quotes it is a String of RFC 9651. The quotes are part of the key.",
        "type": "string",
        "pattern": SYNTAX,
        "minLength": 1,
        "maxLength": IdempotencyKey::LENGTH_MAX,
        "examples": ["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    })
}

/// The `Idempotency-Key` header of a request that must have one.
pub(crate) struct RequiredKey(pub(crate) IdempotencyKey);

impl<S: Sync> FromRequestParts<S> for RequiredKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        idempotency_key(&parts.headers)?.map(Self).ok_or_else(problems::key_missing)
    }
}

impl Input for RequiredKey {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        OptionalKey::describe(operation, schemas);
        operation
            .parameters
            .iter_mut()
            .filter(|known| known.name == IDEMPOTENCY_KEY)
            .for_each(|key| key.required = true);
        operation.may_answer([problems::KEY_MISSING]);
    }
}

/// The `Idempotency-Key` header of a request that may have one.
pub(crate) struct OptionalKey(pub(crate) Option<IdempotencyKey>);

impl<S: Sync> FromRequestParts<S> for OptionalKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        idempotency_key(&parts.headers).map(Self)
    }
}

impl Input for OptionalKey {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        let description = "Makes a retry safe: the request is executed once per key, and a repeated request gets the \
                           result of the first one, also if that was a refusal. Send it once.";
        operation.parameter(Parameter::optional_header(IDEMPOTENCY_KEY, description, schema()));
        operation.may_answer([builtin::INVALID_REQUEST, problems::KEY_REUSED]);
    }
}

/// Why a header is not one key. Never repeats the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum InvalidKey {
    #[error("must be sent once: a request has one key")]
    Several,
    #[error(
        "must be one key: 1 to {} visible ASCII characters without a comma, or a quoted string (RFC 9651)",
        IdempotencyKey::LENGTH_MAX
    )]
    Syntax,
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let key = match single(headers, IDEMPOTENCY_KEY) {
        Ok(None) => return Ok(None),
        Ok(Some(value)) => value.to_str().map_err(|_| InvalidKey::Syntax).and_then(parse),
        Err(_) => Err(InvalidKey::Several),
    };
    key.map(Some).map_err(|error| Problem::invalid(IDEMPOTENCY_KEY, error.to_string()))
}

/// Parses the header's value.
///
/// The key is the value as it was sent, with its quotes, since `k` and `"k"` have always been two keys. A quoted string
/// has one notation only, so that equal strings are equal keys.
fn parse(value: &str) -> Result<IdempotencyKey, InvalidKey> {
    let value = value.trim_ascii();
    match value.strip_prefix('"') {
        Some(rest) if is_rest_of_string(rest.as_bytes()) => {}
        // HTTP APIs join the lines of a repeated header with commas.
        None if value.bytes().any(|byte| byte == b',') => return Err(InvalidKey::Several),
        None if value.bytes().all(|byte| byte.is_ascii_graphic()) => {}
        _ => return Err(InvalidKey::Syntax),
    }
    value.parse().map_err(|_| InvalidKey::Syntax)
}

/// Returns true for the rest of a String after its opening quote, which has at least one character and ends with its
/// closing quote. Parameters are refused, since the draft defines none.
fn is_rest_of_string(rest: &[u8]) -> bool {
    let Some(mut characters) = rest.strip_suffix(b"\"").filter(|characters| !characters.is_empty()) else {
        return false;
    };
    loop {
        characters = match characters {
            [] => return true,
            [b'\\', b'"' | b'\\', rest @ ..] | [b' ' | b'!' | b'#'..=b'[' | b']'..=b'~', rest @ ..] => rest,
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(lines: &[&str]) -> Result<Option<IdempotencyKey>, Problem> {
        idempotency_key(&lines.iter().map(|line| (IDEMPOTENCY_KEY.parse().unwrap(), line.parse().unwrap())).collect())
    }

    #[test]
    fn one_value_with_or_without_quotes_is_a_key() {
        for value in
            ["k", "8e03978e-40d5-43e8-bc93-6894a57f9324", r#""k""#, r#""a, b""#, r#""\"\\""#, r#"a"b"#, "a;b=1"]
        {
            assert_eq!(key_of(&[value]).unwrap(), Some(value.parse().unwrap()), "{value}");
        }
        assert_eq!(
            key_of(&["\tk "]).unwrap(),
            Some("k".parse().unwrap()),
            "whitespace around a value is not part of it"
        );
        assert_eq!(key_of(&[]).unwrap(), None);
    }

    #[test]
    fn a_repeated_header_is_refused_in_lines_and_joined() {
        for lines in [["k", "k"], ["k", "l"], [r#""k""#, r#""k""#], [r#""k""#, "k"], ["k", r#""k""#], ["", "k"]] {
            assert!(key_of(&lines).is_err(), "{lines:?}");
            for comma in [",", ", "] {
                assert!(key_of(&[&lines.join(comma)]).is_err(), "{lines:?}");
            }
        }
    }

    #[test]
    fn other_values_are_refused() {
        let long = "x".repeat(256);
        for value in
            ["", " ", "a b", ",", r#"""#, r#""""#, r#""k"#, r#""k";a=1"#, r#""\k""#, r#""k"k"#, r#""é""#, &long]
        {
            assert!(key_of(&[value]).is_err(), "{value}");
        }
    }
}
