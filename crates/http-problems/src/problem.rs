//! One problem answer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use http::Uri;
use http::header::{HeaderValue, RETRY_AFTER};
use problem_details::ProblemDetails;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;
use telemetry::WithCauses;
use uri_paths::encode_path;

use crate::{Member, ProblemType, builtin};

tokio::task_local! {
    /// The path of the request that is being answered.
    static INSTANCE: String;
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
    problem_type: ProblemType,
    detail: String,
    errors: Vec<FieldError>,
    members: BTreeMap<&'static str, Value>,
    retry_after_s: Option<u16>,
    /// The path of the request, where it is not known from [`INSTANCE`].
    instance: Option<String>,
}

/// The body's members beyond those of RFC 9457.
#[derive(Serialize)]
struct Extensions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(flatten)]
    members: BTreeMap<&'static str, Value>,
}

impl Problem {
    /// The problem's type.
    pub fn problem_type(&self) -> ProblemType {
        self.0.problem_type
    }

    /// A problem of this type; `detail` says, to the caller, what to do about it.
    pub fn new(problem_type: ProblemType, detail: impl Into<String>) -> Self {
        Self(Box::new(Contents {
            problem_type,
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
        Self::new(builtin::INVALID_REQUEST, format!("{pointer} {detail}.")).pointing_to(pointer, detail)
    }

    /// A body that is not JSON. The parser's message repeats nothing of the body.
    pub fn malformed_json(error: &serde_json::Error) -> Self {
        Self::new(builtin::MALFORMED_JSON, format!("{error}."))
    }

    /// Adds a member, which must be one of the problem type's: contracts list no others.
    #[must_use]
    pub fn with(mut self, member: Member, value: impl Into<Value>) -> Self {
        let problem_type = self.0.problem_type;
        debug_assert!(problem_type.members().contains(&member), "{} has no {}", problem_type.name(), member.name);
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
        Self::new(builtin::UNAVAILABLE, "Try again in a moment; a request with the same content is safe to repeat.")
            .retry_after_s(1)
    }

    /// We are at fault. The error is logged here, once, and not shown to the caller.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %WithCauses(error), "answered 500: a defect");
        Self::new(builtin::INTERNAL, "This is our fault; the log of this request says more.")
    }

    /// Runs `response`; every problem that becomes a response within it names this path as its instance.
    pub(crate) async fn naming_instance<R: Future>(path: &str, response: R) -> R::Output {
        INSTANCE.scope(encode_path(path), response).await
    }

    /// Names the request's path as the instance, for a problem outside of [`with_problems`](crate::with_problems).
    #[must_use]
    pub fn with_instance(mut self, path: &str) -> Self {
        self.0.instance = Some(encode_path(path));
        self
    }

    /// Asks the caller to wait this many seconds. The problem type must list [`builtin::RETRY_AFTER`], as contracts do.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u16) -> Self {
        let problem_type = self.0.problem_type;
        debug_assert!(
            problem_type.headers().contains(&builtin::RETRY_AFTER),
            "{} never asks to wait",
            problem_type.name()
        );
        self.0.retry_after_s = Some(seconds);
        self
    }
}

/// The response's body; some types have members of their own.
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
        let Contents { problem_type, detail, errors, members, retry_after_s, instance } = *self.0;
        let instance = instance.or_else(|| INSTANCE.try_with(String::clone).ok());
        let mut details = ProblemDetails::from_status_code(problem_type.status())
            .with_title(problem_type.title())
            .with_detail(detail)
            .with_extensions(Extensions { errors, members });
        if let Ok(uri) = format!("/problems/{}", problem_type.name()).parse::<Uri>() {
            details = details.with_type(uri);
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
