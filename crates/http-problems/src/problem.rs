//! One problem answer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use http::Uri;
use http::header::{HeaderValue, RETRY_AFTER};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use problem_details::ProblemDetails;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;
use telemetry::WithCauses;

use crate::{Member, ProblemKind, kinds};

tokio::task_local! {
    /// The path of the request that is being answered.
    static INSTANCE: String;
}

/// What a path may hold on the wire and a URI reference may not (RFC 3986, section 3.3). What is encoded already stays so.
const NOT_IN_A_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A path, as problems name it. A `%` that begins no encoding, as a path may have that was decoded on its way, is one.
fn instance_of(path: &str) -> String {
    let is_encoding = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    let mut parts = path.split('%');
    let first = utf8_percent_encode(parts.next().unwrap_or_default(), NOT_IN_A_PATH).to_string();
    parts.fold(first, |instance, rest| {
        let percent = if is_encoding(rest) { "%" } else { "%25" };
        format!("{instance}{percent}{}", utf8_percent_encode(rest, NOT_IN_A_PATH))
    })
}

/// What is wrong with one part of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldError {
    /// Where, as a JSON pointer (RFC 6901) into the body; the name of a header or parameter otherwise.
    pub pointer: String,
    /// Why it cannot be accepted.
    pub detail: String,
}

/// An answer that says what went wrong and what to do, as `application/problem+json`.
#[derive(Debug, Clone)]
pub struct Problem(Box<Contents>);

/// Boxed, so that a result that may be a problem is not much larger than what it is otherwise.
#[derive(Debug, Clone)]
struct Contents {
    kind: ProblemKind,
    detail: String,
    errors: Vec<FieldError>,
    members: BTreeMap<&'static str, Value>,
    retry_after_s: Option<u16>,
    /// The path of the request, where it is not known from [`INSTANCE`].
    instance: Option<String>,
}

/// What the answer has beside the members of RFC 9457.
#[derive(Serialize)]
struct Extensions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(flatten)]
    members: BTreeMap<&'static str, Value>,
}

impl Problem {
    /// What kind it is of.
    pub fn kind(&self) -> ProblemKind {
        self.0.kind
    }

    /// A problem of this kind; `detail` says, to the caller, what to do about it.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Contents {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            members: BTreeMap::new(),
            retry_after_s: None,
            instance: None,
        }))
    }

    /// A request with one part that is not valid.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        Self::new(kinds::INVALID_REQUEST, format!("{pointer} {detail}.")).pointing_to(pointer, detail)
    }

    /// Adds a member, which must be one of its kind's: contracts tell of no others.
    #[must_use]
    pub fn with(mut self, member: Member, value: impl Into<Value>) -> Self {
        debug_assert!(self.0.kind.members().contains(&member), "{} has no {}", self.0.kind.name(), member.name);
        self.0.members.insert(member.name, value.into());
        self
    }

    /// Points to a part of the request that is at fault.
    #[must_use]
    pub fn pointing_to(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Something we depend on failed. The error is logged here, once, and not shown to the caller.
    pub fn unavailable(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %WithCauses(error), "answered 503: a dependency failed");
        Self::new(kinds::UNAVAILABLE, "Try again in a moment; a request with the same content is safe to repeat.")
            .retry_after_s(1)
    }

    /// We are at fault. The error is logged here, once, and not shown to the caller.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %WithCauses(error), "answered 500: a defect");
        Self::new(kinds::INTERNAL, "This is our fault; the log of this request says more.")
    }

    /// Names the path in every problem that `answer` comes to.
    pub(crate) async fn naming<A: Future>(path: &str, answer: A) -> A::Output {
        INSTANCE.scope(instance_of(path), answer).await
    }

    /// Names the path of the request, where nothing else does.
    #[must_use]
    pub(crate) fn at(mut self, path: &str) -> Self {
        self.0.instance = Some(instance_of(path));
        self
    }

    /// Asks the caller to wait this many seconds, which problems of its kind must do: contracts tell which do.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u16) -> Self {
        debug_assert!(self.0.kind.headers().contains(&kinds::RETRY_AFTER), "{} never asks to wait", self.0.kind.name());
        self.0.retry_after_s = Some(seconds);
        self
    }
}

/// As it is answered; some kinds have members of their own.
impl JsonSchema for Problem {
    fn schema_name() -> Cow<'static, str> {
        "Problem".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let field_error = schemas.subschema_for::<FieldError>();
        json_schema!({
            "description": "What went wrong and what to do (RFC 9457). Some types have members of their own.",
            "type": "object",
            "properties": {
                "type": {
                    "description": "Stable: what a program should look at.",
                    "type": "string",
                    "format": "uri-reference",
                },
                "title": { "description": "What it is, whatever the request.", "type": "string" },
                "status": { "description": "The status of this answer.", "type": "integer" },
                "detail": { "description": "What to do about it, for people.", "type": "string" },
                "instance": {
                    "description": "The path of the request; not where the path holds a card number.",
                    "type": "string",
                    "format": "uri-reference",
                },
                "errors": {
                    "description": "The parts of the request that are at fault.",
                    "type": "array",
                    "items": field_error,
                },
            },
            "required": ["type", "title", "status", "detail"],
        })
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Contents { kind, detail, errors, members, retry_after_s, instance } = *self.0;
        let instance = instance.or_else(|| INSTANCE.try_with(String::clone).ok());
        let mut details = ProblemDetails::from_status_code(kind.status())
            .with_title(kind.title())
            .with_detail(detail)
            .with_extensions(Extensions { errors, members });
        if let Ok(problem_type) = format!("/problems/{}", kind.name()).parse::<Uri>() {
            details = details.with_type(problem_type);
        }
        if let Some(instance) = instance.and_then(|path| path.parse::<Uri>().ok()) {
            details = details.with_instance(instance);
        }
        let mut response = details.into_response();
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
