//! Reordering of records in flight: the entries of `PutRecords` are written in random order.

use std::future::Future;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fastrand::Rng;
use http::header::CONTENT_LENGTH;
use serde_json::Value;

/// A response is smaller than its request.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Forwards the entries in random order, and puts their results back into the order of the request. A call without
/// entries is forwarded unchanged.
pub(super) async fn put_records<F>(body: Bytes, rng: &mut Rng, forward: impl FnOnce(Bytes) -> F) -> Response
where
    F: Future<Output = Response>,
{
    // The emulator rejects malformed requests.
    let Ok(mut request) = serde_json::from_slice::<Value>(&body) else { return forward(body).await };
    let Some(entries) = request["Records"].as_array_mut() else { return forward(body).await };
    let mut numbered: Vec<_> = std::mem::take(entries).into_iter().enumerate().collect();
    rng.shuffle(&mut numbered);
    let (places, shuffled): (Vec<usize>, Vec<Value>) = numbered.into_iter().unzip();
    *entries = shuffled;
    let (mut parts, answer) = forward(Bytes::from(request.to_string())).await.into_parts();
    let Ok(answer) = axum::body::to_bytes(answer, ANSWER_BYTES_MAX).await else { return parts.into_response() };
    let answer = match serde_json::from_slice(&answer) {
        Ok(written) if parts.status.is_success() => Bytes::from(restored(written, &places).to_string()),
        // The whole call failed, and nothing was written.
        _ => answer,
    };
    parts.headers.insert(CONTENT_LENGTH, answer.len().into());
    Response::from_parts(parts, Body::from(answer))
}

/// Puts the results back into the order of the request. `places` has the place in the request of each result.
fn restored(mut answer: Value, places: &[usize]) -> Value {
    if let Some(results) = answer["Records"].as_array_mut() {
        let mut placed: Vec<_> = places.iter().copied().zip(std::mem::take(results)).collect();
        placed.sort_by_key(|(place, _)| *place);
        *results = placed.into_iter().map(|(_, result)| result).collect();
    }
    answer
}
