//! Requests as the router receives them, and responses as API Gateway receives them.
#![allow(missing_docs, clippy::unwrap_used)]

mod any_request;
mod deployments;
mod invocations;
mod requests;
mod responses;

use std::sync::{Arc, Mutex};

use api_gateway::{InvalidResponse, ProxyRequest, handle};
use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::response::Response;
use http::request::Parts;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};

const REST_IAM: &str = include_str!("../events/rest-iam.json");
const REST_COGNITO: &str = include_str!("../events/rest-cognito.json");
const HTTP_IAM: &str = include_str!("../events/http-iam.json");
const HTTP_JWT: &str = include_str!("../events/http-jwt.json");

/// Returns the request that the router receives for an event.
async fn seen(event: &str, context: Context) -> (Parts, Bytes) {
    let seen = Arc::new(Mutex::new(None));
    let into = Arc::clone(&seen);
    let router = Router::new().fallback(async move |request: Request| {
        let (parts, body) = request.into_parts();
        *into.lock().unwrap() = Some((parts, axum::body::to_bytes(body, usize::MAX).await.unwrap()));
    });
    let payload: ProxyRequest = serde_json::from_str(event).unwrap();
    handle(router, LambdaEvent::new(payload, context)).await.unwrap();
    seen.lock().unwrap().take().unwrap()
}

/// Returns the result that API Gateway receives if the router responds like this to an event.
async fn returned(event: &str, response: Response) -> Result<Value, InvalidResponse> {
    let response = Arc::new(Mutex::new(Some(response)));
    let router = Router::new().fallback(async move || response.lock().unwrap().take().unwrap());
    let payload: ProxyRequest = serde_json::from_str(event).unwrap();
    let answer = handle(router, LambdaEvent::new(payload, Context::default())).await?;
    Ok(serde_json::to_value(answer).unwrap())
}

/// A golden event with the value at `pointer` replaced.
fn with(event: &str, pointer: &str, value: impl Into<Value>) -> String {
    let mut event: Value = serde_json::from_str(event).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[name] = value.into();
    event.to_string()
}

/// A golden event without the value at `pointer`.
fn without(event: &str, pointer: &str) -> String {
    let mut event: Value = serde_json::from_str(event).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let removed = event.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    assert_ne!(removed, None, "the event has no {pointer}");
    event.to_string()
}

fn query_of(parts: &Parts) -> Vec<(String, String)> {
    form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

fn headers_of(parts: &Parts, name: &str) -> Value {
    json!(parts.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>())
}
