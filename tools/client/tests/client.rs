//! The client against a server with scripted responses.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request as Received;
use axum::http::StatusCode;
use paystream_client::{ApiError, Client, Pace, Request, Target};
use serde_json::json;

const PACE: Pace = Pace::times(5, Duration::from_millis(1));

/// Starts a server that responds with these statuses in turn. Returns a client of it and the requests that it has
/// received.
async fn serve(statuses: &[u16]) -> (Client, Arc<Mutex<Vec<String>>>) {
    let received = Arc::<Mutex<Vec<String>>>::default();
    let statuses = Arc::new(Mutex::new(statuses.iter().rev().copied().collect::<Vec<_>>()));
    let seen = Arc::clone(&received);
    let router = Router::new().fallback(async move |request: Received| {
        let key = request.headers().get("idempotency-key").map_or("", |key| key.to_str().unwrap());
        seen.lock().unwrap().push(format!("{} {} {key}", request.method(), request.uri()));
        let status = StatusCode::from_u16(statuses.lock().unwrap().pop().unwrap()).unwrap();
        (status, r#"{"n": 1}"#)
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Client::new(Target::local(&url)), received)
}

#[tokio::test]
async fn a_request_is_sent_under_one_key_until_it_is_decided() {
    let (client, received) = serve(&[429, 502, 503, 504, 201]).await;
    let request = Request::post("/payments", &json!({})).with_key("key-1");
    let answer = client.send_until_decided(&request, PACE).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body), (201, json!({"n": 1})));
    assert_eq!(*received.lock().unwrap(), ["POST /payments key-1"; 5]);
}

#[tokio::test]
async fn a_rejection_is_decided_and_send_once_does_not_retry() {
    let (client, received) = serve(&[422, 503]).await;
    let request = Request::get("/orders/ord-1?a=b");
    assert_eq!(client.send_until_decided(&request, PACE).await.unwrap().status, 422);
    assert_eq!(client.send_once(&request).await.unwrap().status, 503);
    assert_eq!(*received.lock().unwrap(), ["GET /orders/ord-1?a=b "; 2]);
}

#[tokio::test]
async fn failures_are_distinguished() {
    let (client, _) = serve(&[200, 404]).await;
    let read = async || client.send_once(&Request::get("/orders/ord-1")).await.unwrap().read::<Vec<u8>>();
    assert!(matches!(read().await, Err(ApiError::Garbled(_))));
    assert_eq!(read().await, Err(ApiError::Status { status: 404, body: r#"{"n": 1}"#.to_owned() }));
    let unreachable = Client::new(Target::local("http://127.0.0.1:1"));
    assert!(matches!(unreachable.send_once(&Request::get("/")).await, Err(ApiError::Connection(_))));
    let request = Request::get("/").with_header("a header", "x");
    assert!(matches!(unreachable.send_once(&request).await, Err(ApiError::Request(_))));
}
