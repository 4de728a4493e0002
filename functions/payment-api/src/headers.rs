//! Extractors of request headers, with their documentation.

use std::convert::Infallible;
use std::error::Error;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use http_problems::{Problem, builtin};
use openapi_routes::{Input, Operation, Parameter};
use payment_events::TraceParent;
use payments::{IdempotencyKey, InvalidIdempotencyKey};
use schemars::{SchemaGenerator, json_schema};

use crate::etag::{self, InvalidIfMatch};
use crate::problems;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const IF_MATCH: &str = "if-match";
const TRACE_PARENT: &str = "traceparent";
/// X-Ray trace header of the invocation. API Gateway starts a trace for every invocation, and `api-gateway` sets this
/// header to it, in place of the caller's.
const GATEWAY_TRACE: &str = "x-amzn-trace-id";

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
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        let description = "Makes a retry safe: the request is executed once per key, and a repeated request gets the \
                           result of the first one.";
        let schema = schemas.subschema_for::<IdempotencyKey>();
        operation.parameter(Parameter::optional_header(IDEMPOTENCY_KEY, description, schema));
        operation.may_answer([builtin::INVALID_REQUEST, problems::KEY_REUSED]);
    }
}

/// Versions that `If-Match` allows to change. `None` allows any.
pub(crate) struct OnlyVersions(pub(crate) Option<Vec<u64>>);

impl<S: Sync> FromRequestParts<S> for OnlyVersions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let versions = parsed_header(&parts.headers, IF_MATCH, etag::versions, InvalidIfMatch)?;
        Ok(Self(versions.flatten()))
    }
}

impl Input for OnlyVersions {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        let description = "`ETag` of the version that may be changed, a list of them, or `*`.";
        operation.parameter(Parameter::optional_header(IF_MATCH, description, etag::if_match_schema()));
        operation.may_answer([builtin::INVALID_REQUEST, problems::VERSION_MISMATCH]);
    }
}

/// Trace of the request, if it has one.
pub(crate) struct OptionalTrace(pub(crate) Option<TraceParent>);

impl<S: Sync> FromRequestParts<S> for OptionalTrace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(trace_parent(&parts.headers)))
    }
}

impl Input for OptionalTrace {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        let description = "W3C trace of the request, which its event carries. An invalid value is ignored.";
        let schema = json_schema!({ "type": "string" });
        operation.parameter(Parameter::optional_header(TRACE_PARENT, description, schema));
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    parsed_header(headers, IDEMPOTENCY_KEY, str::parse, InvalidIdempotencyKey)
}

/// Returns the parsed value of a header, or `None` if the request does not have it. A value that is not visible ASCII
/// is invalid.
fn parsed_header<T, E: Error>(
    headers: &HeaderMap,
    name: &str,
    parse: fn(&str) -> Result<T, E>,
    invalid: E,
) -> Result<Option<T>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let parsed = value.to_str().map_err(|_| invalid).and_then(parse);
    parsed.map(Some).map_err(|error| Problem::invalid(name, error.to_string()))
}

/// Returns the trace of the request: the caller's, or else that of the invocation. Ignores an unreadable trace, because
/// it only aids diagnosis.
fn trace_parent(headers: &HeaderMap) -> Option<TraceParent> {
    let header = |name| headers.get(name)?.to_str().ok();
    let own = header(TRACE_PARENT).and_then(|text| text.parse().ok());
    own.or_else(|| telemetry::trace_parent(header(GATEWAY_TRACE)?)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace_of(headers: &[(&'static str, &str)]) -> Option<String> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        trace_parent(&headers).map(|trace: TraceParent| trace.to_string())
    }

    #[test]
    fn the_callers_trace_takes_precedence_over_that_of_api_gateway() {
        let own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let gateway = ("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1");
        let given = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
        assert_eq!(trace_of(&[("traceparent", own), gateway]).as_deref(), Some(own));
        assert_eq!(trace_of(&[gateway]).as_deref(), Some(given));
        assert_eq!(trace_of(&[("traceparent", "garbage"), gateway]).as_deref(), Some(given));
        assert_eq!(trace_of(&[("x-amzn-trace-id", "garbage")]), None);
        assert_eq!(trace_of(&[]), None);
    }
}
