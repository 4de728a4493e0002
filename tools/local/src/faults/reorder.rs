//! Reordering of records in flight: the entries of `PutRecords` are written in random order.

use std::future::Future;

use axum::response::Response;
use bytes::Bytes;
use fastrand::Rng;
use serde_json::Value;

use super::put_records::with_answer_edited;

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
    with_answer_edited(&request, forward, |written| restored(written, &places)).await
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
