//! The Payments API, its router called directly.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use payment_api::{BODY_BYTES_MAX, router};
use payments::testing::{MemoryPayments, RecordingPublisher};
use payments::{AcceptPayment, Publication, SimulatedProcessor};
use serde_json::{Value, json};
use tower::ServiceExt;

struct Api(Router);

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Api {
    fn new() -> Self {
        let store = Arc::new(MemoryPayments::default());
        let publication = Publication::new(Arc::new(RecordingPublisher::default()), store.clone());
        Self(router(AcceptPayment::new(store.clone(), Arc::new(SimulatedProcessor), publication), store))
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn pay(&self, key: &str, body: &Value) -> Answer {
        let request = Request::post("/payments").header("content-type", "application/json");
        self.send(request.header("idempotency-key", key).body(Body::from(body.to_string())).unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }
}

fn tea(token: &str) -> Value {
    json!({"order_id": "ord-42", "amount": {"minor": 1299, "currency": "EUR"}, "method": {"token": token}})
}

/// The golden body with the value at `pointer` replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut body = tea("tok_approve");
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

fn assert_problem(answer: &Answer, status: StatusCode, name: &str) {
    assert_eq!((answer.status, &answer.body["type"]), (status, &json!(format!("/problems/{name}"))), "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.body["status"], status.as_u16());
}

#[tokio::test]
async fn a_payment_is_accepted_and_read_back() {
    let api = Api::new();
    let paid = api.pay("key-1", &tea("tok_approve")).await;
    assert_eq!(paid.status, StatusCode::CREATED, "{}", paid.body);
    assert!(!paid.headers.contains_key("idempotent-replayed"));
    let id = paid.body["payment_id"].as_str().unwrap();
    assert_eq!(paid.headers["location"], format!("/payments/{id}"));
    assert_eq!(paid.body["status"], "authorized");
    assert_eq!(paid.body["amount"], json!({"minor": 1299, "currency": "EUR"}));
    assert_eq!(paid.body["version"], 1);

    assert_eq!(api.get(&format!("/payments/{id}")).await.body, paid.body);
    assert_eq!(api.get("/payments?order_id=ord-42").await.body, json!({"payments": [paid.body]}));
    assert_eq!(api.get("/payments?order_id=ord-43").await.body, json!({"payments": []}));
}

#[tokio::test]
async fn a_retry_is_answered_with_the_first_payment_and_says_so() {
    let api = Api::new();
    let first = api.pay("key-1", &tea("tok_approve")).await;
    let second = api.pay("key-1", &tea("tok_approve")).await;
    assert_eq!((second.status, second.body), (StatusCode::CREATED, first.body));
    assert_eq!(second.headers["idempotent-replayed"], "true");
}

#[tokio::test]
async fn a_key_is_needed_well_formed_and_good_for_one_body() {
    let api = Api::new();
    let request = Request::post("/payments").header("content-type", "application/json");
    let answer = api.send(request.body(Body::from(tea("tok_approve").to_string())).unwrap()).await;
    assert_problem(&answer, StatusCode::BAD_REQUEST, "idempotency-key-missing");

    let long = "x".repeat(256);
    for bad in ["", "a b", long.as_str()] {
        let answer = api.pay(bad, &tea("tok_approve")).await;
        assert_problem(&answer, StatusCode::BAD_REQUEST, "invalid-request");
        assert_eq!(answer.body["errors"][0]["pointer"], "idempotency-key");
    }

    api.pay("key-1", &tea("tok_approve")).await;
    let other = api.pay("key-1", &with("/amount/minor", json!(1))).await;
    assert_problem(&other, StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused");
}

#[tokio::test]
async fn a_decline_is_a_payment_that_says_why() {
    let declined = Api::new().pay("key-1", &tea("tok_decline_insufficient_funds")).await;
    assert_eq!(declined.status, StatusCode::CREATED);
    assert_eq!(declined.body["status"], "declined");
    assert_eq!(declined.body["decline"]["code"], "insufficient_funds");
}

#[tokio::test]
async fn a_processor_that_fails_asks_for_a_retry_that_then_works() {
    let api = Api::new();
    let failed = api.pay("key-1", &tea("tok_fail_once")).await;
    assert_problem(&failed, StatusCode::SERVICE_UNAVAILABLE, "processor-unavailable");
    assert_eq!(failed.headers["retry-after"], "1");
    assert_eq!(api.pay("key-1", &tea("tok_fail_once")).await.body["status"], "authorized");
}

#[tokio::test]
async fn every_bad_value_is_named_by_its_place() {
    let cases = [
        ("/order_id", json!("a b"), "/order_id"),
        ("/order_id", json!(42), "/order_id"),
        ("/amount/minor", json!(0), "/amount/minor"),
        ("/amount/minor", json!(-1), "/amount/minor"),
        ("/amount/minor", json!(12.5), "/amount/minor"),
        ("/amount/minor", json!(9_223_372_036_854_775_808_u64), "/amount/minor"),
        ("/amount/currency", json!("EURO"), "/amount/currency"),
        ("/amount", json!(1299), "/amount"),
        ("/amount", json!({"minor": 1, "currency": "EUR", "exponent": 2}), "/amount/exponent"),
        ("/method/token", json!("4242424242424242"), "/method/token"),
        ("/method", json!({"token": "tok_approve", "cvc": "123"}), "/method/cvc"),
    ];
    let api = Api::new();
    for (pointer, value, place) in cases {
        let answer = api.pay("key-1", &with(pointer, value.clone())).await;
        assert_problem(&answer, StatusCode::BAD_REQUEST, "invalid-request");
        assert_eq!(answer.body["errors"][0]["pointer"], place, "{pointer} = {value}");
    }
    assert_eq!(api.get("/payments?order_id=ord-42").await.body, json!({"payments": []}), "nothing was stored");
}

#[tokio::test]
async fn bodies_that_are_no_json_or_too_large_are_refused() {
    let api = Api::new();
    let post = |body: String| {
        let request = Request::post("/payments").header("content-type", "application/json");
        request.header("idempotency-key", "key-1").body(Body::from(body)).unwrap()
    };
    assert_problem(&api.send(post("{\"order_id\":".to_owned())).await, StatusCode::BAD_REQUEST, "malformed-json");
    let large = " ".repeat(BODY_BYTES_MAX + 1);
    assert_problem(&api.send(post(large)).await, StatusCode::PAYLOAD_TOO_LARGE, "body-too-large");
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_cannot_be() {
    let api = Api::new();
    assert_problem(&api.get("/payments/pay_none").await, StatusCode::NOT_FOUND, "payment-not-found");
    assert_problem(&api.get("/payments/42").await, StatusCode::BAD_REQUEST, "invalid-request");
    assert_problem(&api.get("/payments").await, StatusCode::BAD_REQUEST, "invalid-request");
    assert_problem(&api.get("/payments?order_id=a%20b").await, StatusCode::BAD_REQUEST, "invalid-request");
    assert_problem(&api.get("/refunds").await, StatusCode::NOT_FOUND, "no-such-route");
}
