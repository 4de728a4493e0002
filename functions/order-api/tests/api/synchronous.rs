//! Synchronous mode.

use std::sync::Arc;

use axum::http::StatusCode;
use openapi_routes::testing::assert_problem;
use orders::testing::MemoryPayments;
use payment_events::Timestamp;
use serde_json::json;

use crate::support::{Api, pay, tea, time, with};

#[tokio::test]
async fn an_order_placed_in_synchronous_mode_is_accepted_on_the_lookup_and_shared_by_both_modes() {
    let (api, payments) = (Api::new(), Arc::new(MemoryPayments::default()));
    let sync = api.sync(&payments);
    payments.becomes(pay(1_299));
    let placed = sync.sync_order(&tea()).await;
    assert_eq!((placed.status, &placed.body["payment"]["read"]), (StatusCode::CREATED, &json!("remote")));
    assert_eq!(placed.headers["location"], "../orders/ord-1");
    assert_eq!(api.get("/orders/ord-1").await.body, placed.body);
    // Within the same millisecond, the repeated request would count as an SDK retry of the first.
    while Timestamp::now() == time(&placed.body["created_at"]) {}
    for again in [sync.sync_order(&tea()).await, api.order(&tea()).await] {
        assert_eq!((again.status, &again.body), (StatusCode::OK, &placed.body));
    }
    let other = sync.sync_order(&with("/customer_id", json!("cust-8"))).await;
    assert_problem(&other, StatusCode::CONFLICT, "order-conflict");
}

#[tokio::test]
async fn a_failed_call_to_payments_is_a_problem_with_retry_after_and_stores_nothing() {
    let (api, payments) = (Api::new(), Arc::new(MemoryPayments::default()));
    let sync = api.sync(&payments);
    payments.is_down(true);
    let rejected = sync.sync_order(&tea()).await;
    assert_problem(&rejected, StatusCode::SERVICE_UNAVAILABLE, "payments-unreachable");
    assert_eq!(
        (&rejected.headers["retry-after"], &rejected.body["instance"]),
        (&"7".parse().unwrap(), &json!("/sync/orders"))
    );
    assert_eq!(api.get("/orders/ord-1").await.status, StatusCode::NOT_FOUND);
    payments.is_down(false);
    let waits = sync.sync_order(&tea()).await;
    assert_eq!((waits.status, &waits.body["payment"]["read"]), (StatusCode::ACCEPTED, &json!("remote")));
}

#[tokio::test]
async fn an_invalid_order_is_rejected_without_a_call_to_payments_and_synchronous_mode_has_no_other_route() {
    let (api, payments) = (Api::new(), Arc::new(MemoryPayments::default()));
    let sync = api.sync(&payments);
    let rejected = sync.sync_order(&with("/lines/0/quantity", json!(0))).await;
    assert_problem(&rejected, StatusCode::BAD_REQUEST, "invalid-request");
    assert_eq!(payments.take_asked(), 0);
    assert_problem(&sync.get("/orders/ord-1").await, StatusCode::NOT_FOUND, "no-such-route");
    assert_problem(&sync.get("/sync/orders").await, StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
}
