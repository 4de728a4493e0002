//! Extractor for JSON bodies, which responds to an invalid body with a pointer to the fault.

use axum::body::Bytes;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use card_numbers::refuse_in_body;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use http_problems::{JsonPointer, Problem, builtin};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::{Path, Segment};

use crate::Object;
use crate::reason::without_values;

/// Extracts a JSON body as a `T`.
///
/// Responds 415 without a JSON content type or with a content coding, 413 above the router's body limit, 400 if the body is not JSON, and 400
/// with a JSON pointer if it is JSON but not a `T`. Unknown fields are named, if `T` denies them. A card number
/// anywhere in the body is rejected before any other fault. No response repeats a value.
///
/// Only the first error is reported. `eserde` (0.1.7) continues after an error, but it generates the deserialization of
/// each type twice, which makes a function too large. It also supports the contract's types only through serde, and its
/// paths are not JSON pointers. Deserializing again without the faulty part would find only unknown fields.
#[derive(Debug, Clone, Copy)]
pub struct JsonBody<T>(pub T);

impl<S, T> FromRequest<S> for JsonBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        expect_uncompressed(request.headers())?;
        expect_json(request.headers())?;
        parse(&read(request, state).await?).map(Self)
    }
}

/// An empty body is `None`, whatever its content type.
impl<S, T> OptionalFromRequest<S> for JsonBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        expect_uncompressed(request.headers())?;
        let declared = expect_json(request.headers());
        let body = read(request, state).await?;
        if body.is_empty() {
            return Ok(None);
        }
        declared?;
        parse(&body).map(Self).map(Some)
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == http::StatusCode::PAYLOAD_TOO_LARGE {
            let detail = "Send a smaller body. The route's documentation states the limit.";
            Problem::new(builtin::BODY_TOO_LARGE, detail)
        } else {
            Problem::new(builtin::MALFORMED_JSON, "The body is incomplete.")
        }
    })
}

/// Rejects a content coding, which would have to be decoded first. The header `accept-encoding` of the response says so
/// (RFC 9110, sections 12.5.3 and 15.5.16).
fn expect_uncompressed(headers: &HeaderMap) -> Result<(), Problem> {
    let is_identity = |value: &HeaderValue| {
        let mut codings = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        codings.all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity"))
    };
    if headers.get_all(CONTENT_ENCODING).iter().all(is_identity) {
        return Ok(());
    }
    let detail = "Send the body without the header content-encoding, uncompressed.";
    let problem = Problem::new(builtin::UNSUPPORTED_CONTENT_ENCODING, detail);
    Err(problem.with_header(builtin::ACCEPT_ENCODING, HeaderValue::from_static("identity")))
}

fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    // A header that may be sent once (RFC 9110, section 5.3). HTTP APIs join repeated lines with a comma.
    let mut content_types = headers.get_all(CONTENT_TYPE).iter();
    let content_type = content_types.next().and_then(|value| value.to_str().ok());
    if content_type.is_some_and(is_json) && content_types.next().is_none() {
        return Ok(());
    }
    let detail = "Send the body with the header content-type: application/json.";
    Err(Problem::new(builtin::UNSUPPORTED_MEDIA_TYPE, detail))
}

/// True for `application/json` and `application/…+json`, with any parameters. None of theirs has a comma.
fn is_json(content_type: &str) -> bool {
    if content_type.contains(',') {
        return false;
    }
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    refuse_in_body(body)?;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let Object(value) = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        // Text that is not JSON is always reported as malformed, even if an invalid value comes first.
        match serde_json::from_slice::<IgnoredAny>(body) {
            Ok(_) => Problem::invalid(json_pointer(error.path()).to_string(), reason(error.inner())),
            Err(error) => Problem::malformed_json(&error),
        }
    })?;
    deserializer.end().map_err(|error| Problem::malformed_json(&error))?;
    Ok(value)
}

/// Returns serde's message without the value, and without line and column, which the pointer replaces.
fn reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    without_values(message.strip_suffix(&position).unwrap_or(&message))
}

fn json_pointer(path: &Path) -> JsonPointer {
    path.iter().fold(JsonPointer::default(), |pointer, segment| match segment {
        Segment::Seq { index } => pointer.index(*index),
        Segment::Map { key } => pointer.key(key),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}
