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

/// The trace that the request is part of. A trace is an aid: one that cannot be read is left out.
pub(crate) fn trace_parent(headers: &HeaderMap) -> Option<TraceParent> {
    headers.get("traceparent")?.to_str().ok()?.parse().ok()
}
