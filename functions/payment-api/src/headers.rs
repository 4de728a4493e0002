//! Extractors of request headers, with their documentation.

use std::borrow::Cow;
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use http_problems::{Problem, builtin};
use openapi_routes::{Input, Operation, Parameter};
use payment_events::TraceParent;
use payments::{Preconditions, Versions};
use schemars::{SchemaGenerator, json_schema};

use crate::etag::{self, Comparison};
use crate::problems;

const TRACE_PARENT: &str = "traceparent";
/// X-Ray trace header of the invocation. API Gateway starts a trace for every invocation, and `api-gateway` sets this
/// header to it, in place of the caller's.
const GATEWAY_TRACE: &str = "x-amzn-trace-id";

/// The `If-Match` and `If-None-Match` headers, as preconditions on the payment's version.
///
/// The other preconditions of RFC 9110, section 13.1, are ignored, as it requires: a payment has no modification date, and
/// its representations have no ranges.
pub(crate) struct ConditionalOn(pub(crate) Preconditions);

impl<S: Sync> FromRequestParts<S> for ConditionalOn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Preconditions { mut only, mut except } = Preconditions::default();
        if let Some(header) = list(&parts.headers, &IF_MATCH) {
            only = versions(&IF_MATCH, Comparison::Strong, &header)?;
        }
        if let Some(header) = list(&parts.headers, &IF_NONE_MATCH) {
            except = versions(&IF_NONE_MATCH, Comparison::Weak, &header)?;
        }
        Ok(Self(Preconditions { only, except }))
    }
}

impl Input for ConditionalOn {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        let only = "`ETag` of a version that the payment must have, a list of them, or `*`.";
        let except = "`ETag` of a version that the payment must not have, a list of them, or `*` for any.";
        for (name, description) in [(IF_MATCH, only), (IF_NONE_MATCH, except)] {
            let schema = etag::entity_tags_schema();
            operation.parameter(Parameter::optional_header(name.as_str(), description, schema));
        }
        operation.may_answer([builtin::INVALID_REQUEST, problems::VERSION_MISMATCH]);
    }
}

fn versions(name: &HeaderName, comparison: Comparison, header: &[u8]) -> Result<Versions, Problem> {
    comparison.versions(header).map_err(|error| Problem::invalid(name.as_str(), error.to_string()))
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

/// A header that may be sent once was sent more often (RFC 9110, section 5.3).
#[derive(Debug)]
pub(crate) struct SentMoreThanOnce;

/// Returns the value of a header that may be sent once, or `None` if the request does not have it.
pub(crate) fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h HeaderValue>, SentMoreThanOnce> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() { Err(SentMoreThanOnce) } else { Ok(value) }
}

/// Returns all values of a header that is a list, joined with commas (RFC 9110, section 5.3), or `None` if the request
/// does not have it.
fn list<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Cow<'h, [u8]>> {
    let mut values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let first = Cow::Borrowed(values.next()?);
    Some(values.fold(first, |list, value| [&list, value].join(&b',').into()))
}

/// Returns the trace of the request: the caller's, or else that of the invocation. Ignores an unreadable trace, because
/// it only aids diagnosis. A repeated one is unreadable, as the W3C's Trace Context says.
fn trace_parent(headers: &HeaderMap) -> Option<TraceParent> {
    let header = |name| single(headers, name).ok()??.to_str().ok();
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
        assert_eq!(trace_of(&[("traceparent", own), ("traceparent", own), gateway]).as_deref(), Some(given));
    }
}
