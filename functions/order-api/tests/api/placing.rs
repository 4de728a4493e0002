//! Orders that are placed and read.

use std::sync::Arc;

use axum::http::StatusCode;
use openapi_routes::testing::assert_problem;
use orders::testing::MemoryPayments;
use orders::testing::samples::{authorized, declined, euros, voided};
use serde_json::json;

use crate::support::{Api, pay, tea, time, with};

#[tokio::test]
async fn a_paid_order_is_accepted_and_can_be_read() {
    let api = Api::new();
    api.project(pay(1_299)).await;
    let placed = api.order(&tea()).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{}", placed.body);
    assert_eq!(placed.headers["location"], "orders/ord-1");
    let body = &placed.body;
    assert_eq!((&body["order_id"], &body["customer_id"]), (&json!("ord-1"), &json!("cust-7")));
    assert_eq!((&body["lines"], &body["total"]), (&tea()["lines"], &json!({"minor": 1299, "currency": "EUR"})));
    assert_eq!((&body["status"], &body["revision"]), (&json!("accepted"), &json!(1)));
    assert_eq!(body["fulfilment"], json!({"status": "started", "started_at": body["payment"]["decided_at"]}));
    assert_eq!(body["payment"]["read"], "local");
    let age_ms = &body["payment"]["based_on"][0]["age_ms"];
    let based_on = json!([{"payment_id": "pay_1", "version": 1, "status": "authorized", "age_ms": age_ms}]);
    assert_eq!(body["payment"]["based_on"], based_on);
    assert!(age_ms.as_u64().is_some());
    time(&body["created_at"]);
    assert_eq!(api.get("/orders/ord-1").await.body, *body);
}

#[tokio::test]
async fn an_unpaid_order_waits_and_is_accepted_when_its_payment_arrives() {
    let api = Api::new();
    let placed = api.order(&tea()).await;
    assert_eq!(placed.status, StatusCode::ACCEPTED);
    assert_eq!(placed.headers["location"], "orders/ord-1");
    assert_eq!(placed.body["status"], "awaiting_payment");
    assert_eq!(placed.body["fulfilment"], json!({"status": "not_started"}));
    assert_eq!(placed.body["payment"]["based_on"], json!([]));
    api.project(pay(1_299)).await;
    let read = api.get("/orders/ord-1").await;
    assert_eq!((&read.body["status"], &read.body["revision"]), (&json!("accepted"), &json!(2)));
}

#[tokio::test]
async fn a_declined_payment_leaves_the_order_waiting_and_is_shown() {
    for order_first in [true, false] {
        let api = Api::new();
        if order_first {
            api.order(&tea()).await;
        }
        api.project(declined("pay_1", euros(1_299))).await;
        if !order_first {
            assert_eq!(api.order(&tea()).await.status, StatusCode::ACCEPTED);
        }
        let read = api.get("/orders/ord-1").await;
        assert_eq!(read.body["status"], "awaiting_payment");
        assert_eq!(read.body["payment"]["based_on"][0]["status"], "declined");
    }
}

#[tokio::test]
async fn a_void_puts_an_accepted_order_on_hold() {
    let api = Api::new();
    api.project(pay(1_299)).await;
    let accepted = api.order(&tea()).await.body;
    api.project(voided(&pay(1_299))).await;
    let read = api.get("/orders/ord-1").await.body;
    assert_eq!((&read["status"], &read["fulfilment"]), (&json!("on_hold"), &accepted["fulfilment"]));
}

#[tokio::test]
async fn an_accepted_order_shows_the_payments_that_cover_it_now_and_overpayments() {
    let (api, payments) = (Api::new(), Arc::new(MemoryPayments::default()));
    let sync = api.sync(&payments);
    let other = authorized("pay_2", euros(1_500));
    for payment in [pay(1_299), other.clone()] {
        payments.becomes(payment);
    }
    api.project(pay(1_299)).await;
    api.order(&tea()).await;
    api.project(other).await;
    let coverage = async || api.get("/orders/ord-1").await.body["coverage"].clone();
    let eur = |minor: i64| json!({"minor": minor, "currency": "EUR"});
    let both = coverage().await;
    assert_eq!((&both["covered"], &both["overpaid"], &both["payments"]), (&eur(1_299), &eur(1_500), &json!(2)));

    payments.becomes(voided(&pay(1_299)));
    api.project(voided(&pay(1_299))).await;
    api.store.take_calls();
    let read = api.get("/orders/ord-1").await.body;
    let covering = json!([{"payment_id": "pay_2", "version": 1, "status": "authorized", "minor": 1_500}]);
    let expected = json!({"covered": eur(1_299), "overpaid": eur(201), "covered_by": covering, "payments": 1,
        "is_complete": true});
    assert_eq!(read["coverage"], expected);
    assert_eq!(read["payment"]["based_on"][0]["payment_id"], "pay_1", "the decision stays");
    assert_eq!((&read["status"], &read["revision"]), (&json!("accepted"), &json!(1)));
    let repeated = api.order(&tea()).await;
    assert_eq!((repeated.status, &repeated.body["coverage"]), (StatusCode::OK, &expected));
    let calls = api.store.take_calls();
    assert_eq!((calls.order_writes, calls.payment_writes), (0, 0), "it is computed, not stored");
    let repeated = sync.sync_order(&tea()).await;
    assert_eq!((repeated.status, &repeated.body["coverage"]), (StatusCode::OK, &expected));
    assert_eq!(api.get("/orders/ord-1").await.body["revision"], 1);
}

#[tokio::test]
async fn gifts_are_accepted_and_an_order_of_gifts_alone_needs_no_payment() {
    let (api, payments) = (Api::new(), Arc::new(MemoryPayments::default()));
    let mixed = with("/lines/1/unit_price/minor", json!(0));
    let placed = api.order(&mixed).await;
    assert_eq!((placed.status, &placed.body["total"]["minor"]), (StatusCode::ACCEPTED, &json!(1_000)));
    for (order_id, sync) in [("ord-2", false), ("ord-3", true)] {
        let gifts = json!({"order_id": order_id, "customer_id": "cust-7",
            "lines": [{"sku": "gift", "quantity": 2, "unit_price": {"minor": 0, "currency": "EUR"}}]});
        let placed = if sync { api.sync(&payments).sync_order(&gifts).await } else { api.order(&gifts).await };
        assert_eq!((placed.status, &placed.body["status"]), (StatusCode::CREATED, &json!("accepted")));
        assert_eq!((&placed.body["total"]["minor"], &placed.body["payment"]["based_on"]), (&json!(0), &json!([])));
        assert_eq!(api.get(&format!("/orders/{order_id}")).await.body, placed.body);
    }
}

#[tokio::test]
async fn a_repeated_request_returns_the_order_in_its_current_state() {
    let api = Api::new();
    api.order(&tea()).await;
    api.project(pay(1_299)).await;
    let again = api.order(&tea()).await;
    assert_eq!((again.status, &again.body["status"]), (StatusCode::OK, &json!("accepted")));
    assert_eq!(again.body, api.get("/orders/ord-1").await.body);
}

#[tokio::test]
async fn a_different_order_under_a_known_id_is_a_conflict() {
    let api = Api::new();
    let first = api.order(&tea()).await;
    for other in [
        with("/customer_id", json!("cust-8")),
        with("/lines/0/quantity", json!(3)),
        with("/lines/1/sku", json!("mug")),
        with("/lines/1/unit_price/minor", json!(298)),
    ] {
        assert_problem(&api.order(&other).await, StatusCode::CONFLICT, "order-conflict");
    }
    assert_eq!(api.store.order("ord-1").unwrap().customer_id.as_str(), first.body["customer_id"]);
}

#[tokio::test]
async fn an_unknown_order_is_not_found() {
    let api = Api::new();
    api.project(pay(1_299)).await;
    let response = api.get("/orders/ord-1").await;
    assert_problem(&response, StatusCode::NOT_FOUND, "order-not-found");
    assert_eq!(response.body["instance"], "/orders/ord-1");
    assert_problem(&api.get("/orders").await, StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
    assert_problem(&api.get("/order").await, StatusCode::NOT_FOUND, "no-such-route");
}

#[tokio::test]
async fn a_failing_store_is_unavailable_and_its_error_is_not_disclosed() {
    let api = Api::new();
    api.store.fail_for(&"ord-1".parse().unwrap(), true);
    for response in [api.order(&tea()).await, api.get("/orders/ord-1").await, api.get("/orders/ord-1/payments").await] {
        assert_problem(&response, StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        assert_eq!(response.headers["retry-after"], "1");
        assert!(!response.body.to_string().contains("set it to fail"), "{}", response.body);
    }
}
