//! Partial failure of `PutRecords`: as on AWS, the response is a success with an error for each rejected entry.

use std::future::Future;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::put_records::with_answer_edited;
use super::registry::EntryRejections;
use crate::emulators::Emulator;

/// Forwards the entries that are not rejected, and merges the errors of the others into the response.
pub(super) async fn put_records<F>(
    body: Bytes,
    rejections: &mut EntryRejections,
    forward: impl FnOnce(Bytes) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    // The emulator rejects malformed requests.
    let Ok(mut request) = serde_json::from_slice::<Value>(&body) else { return forward(body).await };
    let Some(entries) = request["Records"].as_array_mut().map(std::mem::take) else { return forward(body).await };
    let refused: Vec<bool> = entries.iter().map(|_| rejections.rejects_next()).collect();
    if !refused.contains(&true) {
        return forward(body).await;
    }
    let kept = entries.into_iter().zip(&refused).filter(|(_, is_refused)| !**is_refused);
    let kept: Vec<Value> = kept.map(|(entry, _)| entry).collect();
    if kept.is_empty() {
        let content_type = [(CONTENT_TYPE, Emulator::Kinesis.content_type())];
        return (content_type, merged(json!({}), &refused).to_string()).into_response();
    }
    request["Records"] = Value::Array(kept);
    with_answer_edited(&request, forward, |written| merged(written, &refused)).await
}

/// Result of a rejected entry.
fn refused_entry() -> Value {
    let error = Emulator::Kinesis.throttled();
    json!({"ErrorCode": error.code, "ErrorMessage": error.message()})
}

/// Inserts the results of the rejected entries into the response for the written ones, in request order.
fn merged(mut answer: Value, refused: &[bool]) -> Value {
    let mut written = answer["Records"].as_array_mut().map(std::mem::take).unwrap_or_default().into_iter();
    let entry = |is_refused: &bool| if *is_refused { refused_entry() } else { written.next().unwrap_or_default() };
    let entries: Vec<Value> = refused.iter().map(entry).collect();
    let failed = entries.iter().filter(|entry| entry["ErrorCode"].is_string()).count();
    answer["Records"] = Value::Array(entries);
    answer["FailedRecordCount"] = failed.into();
    answer
}
