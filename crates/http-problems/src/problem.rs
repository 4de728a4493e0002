//! Problem responses.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{Extensions, Uri};
use problem_details::ProblemDetails;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;
use telemetry::WithCauses;
use uri_paths::{ClientPath, encode_path};

use crate::{Member, ProblemHeader, ProblemType, builtin};

tokio::task_local! {
    /// Path of the current request.
    static INSTANCE: String;
}

/// A fault in one part of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body, or the name of a header or parameter.
    pub pointer: String,
    /// Reason why that part is rejected.
    pub detail: String,
}

/// A response that states what went wrong and what to do, as `application/problem+json`.
#[derive(Debug, Clone)]
pub struct Problem(Box<Contents>);

/// Boxed in [`Problem`], so that a `Result` with a problem stays small.
#[derive(Debug, Clone)]
struct Contents {
    problem_type: ProblemType,
    detail: String,
    errors: Vec<FieldError>,
    members: BTreeMap<&'static str, Value>,
    headers: Vec<(&'static str, HeaderValue)>,
    /// Path of the request, if [`INSTANCE`] does not have it.
    instance: Option<String>,
}

/// Body members beyond those of RFC 9457.
#[derive(Serialize)]
struct Additions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(flatten)]
    members: BTreeMap<&'static str, Value>,
}

impl Problem {
    /// Returns the problem's type.
    pub fn problem_type(&self) -> ProblemType {
        self.0.problem_type
    }

    /// Creates a problem of this type. `detail` tells the caller what to do.
    pub fn new(problem_type: ProblemType, detail: impl Into<String>) -> Self {
        Self(Box::new(Contents {
            problem_type,
            detail: detail.into(),
            errors: Vec::new(),
            members: BTreeMap::new(),
            headers: Vec::new(),
            instance: None,
        }))
    }

    /// Creates a problem for a request with one invalid part.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        Self::new(builtin::INVALID_REQUEST, format!("{pointer} {detail}.")).pointing_to(pointer, detail)
    }

    /// Creates a problem for a body that is not JSON. The parser's message repeats nothing of the body.
    pub fn malformed_json(error: &serde_json::Error) -> Self {
        Self::new(builtin::MALFORMED_JSON, format!("{error}."))
    }

    /// Adds an extension member. The problem type must list it, since contracts list no others.
    #[must_use]
    pub fn with(mut self, member: Member, value: impl Into<Value>) -> Self {
        let problem_type = self.0.problem_type;
        debug_assert!(
            problem_type.members().contains(&member),
            "{} has no member {}",
            problem_type.name(),
            member.name
        );
        self.0.members.insert(member.name, value.into());
        self
    }

    /// Adds a pointer to a part of the request that is at fault.
    #[must_use]
    pub fn pointing_to(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Creates a 503 for a failed dependency. The error is logged here, once, and not shown to the caller.
    pub fn unavailable(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %WithCauses(error), "responded 503: a dependency failed");
        Self::new(builtin::UNAVAILABLE, "Try again in a moment. It is safe to repeat the same request.")
            .retry_after_s(1)
    }

    /// Creates a 500 for a bug in the service. The error is logged here, once, and not shown to the caller.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %WithCauses(error), "responded 500: internal error (bug)");
        Self::new(builtin::INTERNAL, "This is a bug in the service. The function's log has the error.")
    }

    /// Runs `response`. Every problem that is converted into a response within it has this path as its instance.
    pub(crate) async fn naming_instance<R: Future>(instance: String, response: R) -> R::Output {
        INSTANCE.scope(instance, response).await
    }

    /// Sets the request's path as the instance, for a problem outside of [`with_problems`](crate::with_problems).
    #[must_use]
    pub fn with_instance(mut self, head: &Parts) -> Self {
        self.0.instance = Some(instance(&head.extensions, &head.uri));
        self
    }

    /// Sets the header `retry-after`. The problem type must list [`builtin::RETRY_AFTER`].
    #[must_use]
    pub fn retry_after_s(self, seconds: u16) -> Self {
        self.with_header(builtin::RETRY_AFTER, seconds)
    }

    /// Sets a response header, in place of an earlier value. The problem type must list it, since contracts list no others.
    #[must_use]
    pub fn with_header(mut self, header: ProblemHeader, value: impl Into<HeaderValue>) -> Self {
        let problem_type = self.0.problem_type;
        debug_assert!(
            problem_type.headers().contains(&header),
            "{} does not list {}",
            problem_type.name(),
            header.name
        );
        self.0.headers.retain(|(name, _)| *name != header.name);
        self.0.headers.push((header.name, value.into()));
        self
    }
}

/// Returns the path that the client sent, percent-encoded: it leads back to the same deployment.
pub(crate) fn instance(extensions: &Extensions, uri: &Uri) -> String {
    extensions.get().map_or_else(|| encode_path(uri.path()), |ClientPath { path, .. }| path.clone())
}

/// Schema of the response body, without the extension members of single types.
impl JsonSchema for Problem {
    fn schema_name() -> Cow<'static, str> {
        "Problem".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let field_error = schemas.subschema_for::<FieldError>();
        json_schema!({
            "description": "Problem details (RFC 9457). Some types have extension members.",
            "type": "object",
            "properties": {
                "type": {
                    "description": "Stable identifier of the problem type, for programs. The same in every deployment; not \
                                    a link.",
                    "type": "string",
                    "format": "uri",
                },
                "title": { "description": "Summary of the problem type, the same for every request.", "type": "string" },
                "status": { "description": "HTTP status of this response.", "type": "integer" },
                "detail": { "description": "Explanation for people: what to do.", "type": "string" },
                "instance": {
                    "description": "Path of the request's URL, as far as API Gateway passes it: an HTTP API leaves out the \
                                    base path of a custom domain. Missing if the path contains a card number.",
                    "type": "string",
                    "format": "uri-reference",
                },
                "errors": {
                    "description": "Parts of the request that are at fault.",
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
        let Contents { problem_type, detail, errors, members, headers, instance } = *self.0;
        let instance = instance.or_else(|| INSTANCE.try_with(String::clone).ok());
        let mut details = ProblemDetails::from_status_code(problem_type.status())
            .with_title(problem_type.title())
            .with_detail(detail)
            .with_extensions(Additions { errors, members });
        if let Ok(uri) = problem_type.uri().parse::<Uri>() {
            details = details.with_type(uri);
        }
        if let Some(instance) = instance.and_then(|path| path.parse::<Uri>().ok()) {
            details = details.with_instance(instance);
        }
        let mut response = details.into_response();
        let headers = headers.into_iter().map(|(name, value)| (HeaderName::from_static(name), value));
        response.headers_mut().extend(headers);
        // For middleware, which would otherwise have to parse the body.
        response.extensions_mut().insert(problem_type);
        response
    }
}
