//! `PutRecords` of which a part is refused: as on AWS the answer is a success, with an error in the place of each entry
//! that was not written.

use std::future::Future;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::{Value, json};

use super::registry::EntryRejections;
use crate::emulators::Service;

/// An answer is smaller than its request.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Has the entries written that are not refused.
pub(super) async fn put_records<F>(
    body: Bytes,
    rejections: &mut EntryRejections,
    forward: impl FnOnce(Bytes) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    // What is no such request is for the emulator to refuse.
    let Ok(mut request) = serde_json::from_slice::<Value>(&body) else { return forward(body).await };
    let Some(entries) = request["Records"].as_array_mut().map(std::mem::take) else { return forward(body).await };
    let refused: Vec<bool> = entries.iter().map(|_| rejections.rejects_next()).collect();
    if !refused.contains(&true) {
        return forward(body).await;
    }
    let kept = entries.into_iter().zip(&refused).filter(|(_, is_refused)| !**is_refused);
    let kept: Vec<Value> = kept.map(|(entry, _)| entry).collect();
    if kept.is_empty() {
        let content_type = [(CONTENT_TYPE, Service::Kinesis.content_type())];
        return (content_type, merged(json!({}), &refused).to_string()).into_response();
    }
    request["Records"] = Value::Array(kept);
    let (mut parts, answer) = forward(Bytes::from(request.to_string())).await.into_parts();
    let Ok(answer) = axum::body::to_bytes(answer, ANSWER_BYTES_MAX).await else { return parts.into_response() };
    let answer = match serde_json::from_slice(&answer) {
        Ok(written) if parts.status.is_success() => Bytes::from(merged(written, &refused).to_string()),
        // All of it was refused, and nothing written.
        _ => answer,
    };
    parts.headers.insert(CONTENT_LENGTH, answer.len().into());
    Response::from_parts(parts, Body::from(answer))
}

/// The answer in the place of an entry that is refused.
fn refused_entry() -> Value {
    let error = Service::throttled();
    json!({"ErrorCode": error.code, "ErrorMessage": error.message()})
}

/// The answer to the entries that were written, with the others in their places.
fn merged(mut answer: Value, refused: &[bool]) -> Value {
    let mut written = answer["Records"].as_array_mut().map(std::mem::take).unwrap_or_default().into_iter();
    let entry = |is_refused: &bool| if *is_refused { refused_entry() } else { written.next().unwrap_or_default() };
    let entries: Vec<Value> = refused.iter().map(entry).collect();
    let failed = entries.iter().filter(|entry| entry["ErrorCode"].is_string()).count();
    answer["Records"] = Value::Array(entries);
    answer["FailedRecordCount"] = failed.into();
    answer
}
