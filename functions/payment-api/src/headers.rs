//! What requests say in their headers.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use http_problems::Problem;
use payment_events::TraceParent;
use payments::{IdempotencyKey, InvalidIdempotencyKey};

use crate::etag::{self, InvalidIfMatch};
use crate::problems;

/// The `Idempotency-Key` header, where a request must have one.
pub(crate) struct RequiredKey(pub(crate) IdempotencyKey);

impl<S: Sync> FromRequestParts<S> for RequiredKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        idempotency_key(&parts.headers)?.map(Self).ok_or_else(problems::key_missing)
    }
}

/// The `Idempotency-Key` header.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(header) = headers.get("idempotency-key") else { return Ok(None) };
    let key = header.to_str().map_err(|_| InvalidIdempotencyKey).and_then(str::parse);
    key.map(Some).map_err(|error| Problem::invalid("idempotency-key", error.to_string()))
}

/// The versions that `If-Match` allows to change; any, without one.
pub(crate) fn only_versions(headers: &HeaderMap) -> Result<Option<Vec<u64>>, Problem> {
    let Some(header) = headers.get("if-match") else { return Ok(None) };
    let versions = header.to_str().map_err(|_| InvalidIfMatch).and_then(etag::versions);
    versions.map_err(|error| Problem::invalid("if-match", error.to_string()))
}

/// The trace that the request is part of: the caller's own, or else the one that API Gateway gives every request. A trace is
/// an aid: one that cannot be read is left out.
pub(crate) fn trace_parent(headers: &HeaderMap) -> Option<TraceParent> {
    let header = |name| headers.get(name)?.to_str().ok();
    let own = header("traceparent").and_then(|text| text.parse().ok());
    own.or_else(|| telemetry::trace_parent(header("x-amzn-trace-id")?)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace_of(headers: &[(&'static str, &str)]) -> Option<String> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        trace_parent(&headers).map(|trace| trace.to_string())
    }

    #[test]
    fn the_callers_trace_comes_before_the_one_of_api_gateway() {
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
