//! Changes to the results of `PutRecords` on their way to the caller.

use std::future::Future;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use serde_json::Value;

/// A response is smaller than its request.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Forwards the request, and edits the answer if the call succeeded.
pub(super) async fn with_answer_edited<F>(
    request: &Value,
    forward: impl FnOnce(Bytes) -> F,
    edit: impl FnOnce(Value) -> Value,
) -> Response
where
    F: Future<Output = Response>,
{
    let (mut parts, answer) = forward(Bytes::from(request.to_string())).await.into_parts();
    let Ok(answer) = axum::body::to_bytes(answer, ANSWER_BYTES_MAX).await else { return parts.into_response() };
    let answer = match serde_json::from_slice(&answer) {
        Ok(written) if parts.status.is_success() => Bytes::from(edit(written).to_string()),
        // The whole call failed, and nothing was written.
        _ => answer,
    };
    parts.headers.insert(CONTENT_LENGTH, answer.len().into());
    Response::from_parts(parts, Body::from(answer))
}
