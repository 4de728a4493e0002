//! Values that requests must not contain.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use openapi_routes::testing::assert_problem;
use payment_api::BODY_BYTES_MAX;
use serde_json::json;

use crate::support::{Api, tea, with};

#[tokio::test]
async fn every_bad_value_is_reported_by_json_pointer() {
    let cases = [
        ("/order_id", json!("a b"), "/order_id"),
        ("/order_id", json!(42), "/order_id"),
        ("/amount/minor", json!(0), "/amount/minor"),
        ("/amount/minor", json!(-1), "/amount/minor"),
        ("/amount/minor", json!(12.5), "/amount/minor"),
        ("/amount/minor", json!(9_223_372_036_854_775_808_u64), "/amount/minor"),
        ("/amount/currency", json!("EURO"), "/amount/currency"),
        ("/amount", json!(1299), "/amount"),
        ("/amount", json!([1299, "EUR"]), "/amount"),
        ("/method", json!(["tok_approve"]), "/method"),
        ("/amount", json!({"minor": 1, "currency": "EUR", "exponent": 2}), "/amount/exponent"),
        ("/method/token", json!("card"), "/method/token"),
        ("/method", json!({"token": "tok_approve", "cvc": "123"}), "/method/cvc"),
    ];
    let api = Api::new();
    for (pointer, value, place) in cases {
        let response = api.pay("key-1", &with(pointer, value.clone())).await;
        assert_problem(&response, StatusCode::BAD_REQUEST, "invalid-request");
        assert_eq!(response.body["errors"][0]["pointer"], place, "{pointer} = {value}");
    }
    assert_eq!(api.get("/payments?order_id=ord-42").await.body, json!({"payments": []}), "nothing was stored");
}

#[tokio::test]
async fn card_numbers_are_refused_before_any_other_error() {
    let api = Api::new();
    for (pointer, body) in [
        ("/method/token", tea("4242424242424242")),
        ("/order_id", with("/order_id", json!("ord-4242424242424242"))),
        ("/amount", with("/amount", json!(4_242_424_242_424_242_u64))),
        ("/method/card", with("/method", json!({"card": "4242 4242 4242 4242"}))),
    ] {
        let response = api.pay("key-1", &body).await;
        assert_problem(&response, StatusCode::BAD_REQUEST, "card-number");
        assert_eq!(response.body["errors"][0]["pointer"], pointer);
    }
    let response = api.pay("4242424242424242", &tea("tok_approve")).await;
    assert_problem(&response, StatusCode::BAD_REQUEST, "card-number");
    assert_eq!(response.body["errors"][0]["pointer"], "idempotency-key");
}

#[tokio::test]
async fn bodies_that_are_malformed_or_too_large_are_refused() {
    let api = Api::new();
    let post = |body: String| {
        let request = Request::post("/payments").header("content-type", "application/json");
        request.header("idempotency-key", "key-1").body(Body::from(body)).unwrap()
    };
    assert_problem(&api.send(post("{\"order_id\":".to_owned())).await, StatusCode::BAD_REQUEST, "malformed-json");
    let large = " ".repeat(BODY_BYTES_MAX + 1);
    assert_problem(&api.send(post(large)).await, StatusCode::PAYLOAD_TOO_LARGE, "body-too-large");
}
