//! Captures, voids and refunds.

use axum::http::StatusCode;
use openapi_routes::testing::assert_problem;
use serde_json::json;

use crate::support::Api;

#[tokio::test]
async fn a_payment_is_captured_in_part_and_refunded_in_parts() {
    let api = Api::new();
    let payment = api.authorized().await;
    let part = r#"{"amount": {"minor": 1000, "currency": "EUR"}}"#;
    let captured = api.change(&format!("{payment}/capture"), &[], part).await;
    assert_eq!(captured.status, StatusCode::OK, "{}", captured.body);
    assert_eq!(captured.body["status"], "captured");
    assert_eq!(
        (&captured.body["captured_minor"], &captured.headers["etag"]),
        (&json!(1_000), &"\"2\"".parse().unwrap())
    );
    let part = r#"{"amount": {"minor": 300, "currency": "EUR"}}"#;
    let refunded = api.change(&format!("{payment}/refund"), &[("idempotency-key", "refund-1")], part).await;
    assert_eq!((&refunded.body["status"], &refunded.body["refunded_minor"]), (&json!("captured"), &json!(300)));
    let refunded = api.change(&format!("{payment}/refund"), &[("idempotency-key", "refund-2")], "{}").await;
    assert_eq!((&refunded.body["status"], &refunded.body["refunded_minor"]), (&json!("refunded"), &json!(1_000)));
    assert_eq!(api.get(&payment).await.body, refunded.body);
}

#[tokio::test]
async fn a_change_without_a_body_applies_to_the_whole_amount() {
    let api = Api::new();
    let payment = api.authorized().await;
    let captured = api.change(&format!("{payment}/capture"), &[], "").await;
    assert_eq!(captured.body["captured_minor"], 1_299);
    let other = Api::new();
    let payment = other.authorized().await;
    assert_eq!(other.change(&format!("{payment}/void"), &[], "").await.body["status"], "voided");
}

#[tokio::test]
async fn a_refund_needs_a_key_and_is_made_once_per_key() {
    let api = Api::new();
    let payment = api.authorized().await;
    api.change(&format!("{payment}/capture"), &[], "").await;
    let refund = format!("{payment}/refund");
    let part = r#"{"amount": {"minor": 300, "currency": "EUR"}}"#;
    let missing = api.change(&refund, &[], part).await;
    assert_problem(&missing, StatusCode::BAD_REQUEST, "idempotency-key-missing");
    let key = [("idempotency-key", "refund-1")];
    let first = api.change(&refund, &key, part).await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let again = api.change(&refund, &key, part).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &first.body));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = api.change(&refund, &key, "").await;
    assert_problem(&other, StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused");
}

#[tokio::test]
async fn a_capture_and_a_void_accept_a_key() {
    for step in ["capture", "void"] {
        let api = Api::new();
        let path = format!("{}/{step}", api.authorized().await);
        let key = [("idempotency-key", "step-1")];
        let first = api.change(&path, &key, "").await;
        let again = api.change(&path, &key, "").await;
        assert_eq!((again.status, again.body), (StatusCode::OK, first.body));
        let other = api.change(&path, &[], "").await;
        assert_problem(&other, StatusCode::CONFLICT, "illegal-transition");
    }
}

#[tokio::test]
async fn an_impossible_change_reports_the_payment_status() {
    let api = Api::new();
    let payment = api.authorized().await;
    let early = api.change(&format!("{payment}/refund"), &[("idempotency-key", "k")], "").await;
    assert_problem(&early, StatusCode::CONFLICT, "illegal-transition");
    assert_eq!(early.body["payment_status"], "authorized");
    for (amount, problem, pointer) in [
        (json!({"minor": 1_300, "currency": "EUR"}), "amount-unavailable", "/amount/minor"),
        (json!({"minor": 1, "currency": "USD"}), "currency-mismatch", "/amount/currency"),
    ] {
        let body = json!({"amount": amount}).to_string();
        let refused = api.change(&format!("{payment}/capture"), &[], &body).await;
        assert_problem(&refused, StatusCode::UNPROCESSABLE_ENTITY, problem);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    let none = api.change("/payments/pay_none/capture", &[], "").await;
    assert_problem(&none, StatusCode::NOT_FOUND, "payment-not-found");
    assert_eq!(api.get(&payment).await.body["version"], 1);
}

#[tokio::test]
async fn an_invalid_partial_amount_never_captures_the_whole() {
    let api = Api::new();
    let payment = api.authorized().await;
    for body in [
        r#"{"amount": null}"#,
        r#"{"amount": 5}"#,
        r#"{"amount": [5, "EUR"]}"#,
        r#"{"amount": {}}"#,
        r#"{"amout": {}}"#,
        "[]",
        "null",
    ] {
        let refused = api.change(&format!("{payment}/capture"), &[], body).await;
        assert_problem(&refused, StatusCode::BAD_REQUEST, "invalid-request");
    }
    assert_eq!(api.get(&payment).await.body["status"], "authorized");
}

#[tokio::test]
async fn if_match_refuses_a_version_that_the_caller_has_not_seen() {
    let api = Api::new();
    let payment = api.authorized().await;
    let etag = api.get(&payment).await.headers["etag"].to_str().unwrap().to_owned();
    let path = format!("{payment}/capture");
    let stale = api.change(&path, &[("if-match", "\"0\"")], "").await;
    assert_problem(&stale, StatusCode::PRECONDITION_FAILED, "version-mismatch");
    assert_eq!(stale.headers["etag"], etag.as_str());
    let malformed = api.change(&path, &[("if-match", "1")], "").await;
    assert_problem(&malformed, StatusCode::BAD_REQUEST, "invalid-request");
    assert_eq!(malformed.body["errors"][0]["pointer"], "if-match");
    assert_eq!(api.change(&path, &[("if-match", &etag)], "").await.status, StatusCode::OK);
}
