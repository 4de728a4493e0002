//! Capture, void and refund of a payment, and their effect on the order accepted on it.

use paystream_tests::{Paystream, eur, line, order_body};
use serde_json::{Value, json};

/// Pays for an order and places it. Returns the path of the payment once the order is accepted.
async fn accepted(paystream: &Paystream, order_id: &str) -> String {
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    paystream.post("/orders", &order_body(order_id, &[line("tea", 1, &eur(1299))])).await;
    paystream.order_becomes(order_id, "accepted").await;
    format!("/payments/{}", payment["payment_id"].as_str().unwrap())
}

/// `POST`s without a body and without headers.
async fn post_empty(paystream: &Paystream, path: &str) -> Value {
    paystream.request("POST", path, &[], "").await.expect(200)
}

#[tokio::test]
async fn an_order_stays_accepted_when_its_payment_is_captured_and_is_held_when_it_is_refunded() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let payment = accepted(&paystream, order_id).await;
    let captured = post_empty(&paystream, &format!("{payment}/capture")).await;
    paystream.payment_arrives(order_id, &captured).await;
    assert_eq!(
        paystream.order_becomes(order_id, "accepted").await["payment"]["based_on"][0]["payment_id"],
        captured["payment_id"]
    );
    let refunded = paystream.post(&format!("{payment}/refund"), &json!({"amount": eur(1)})).await.expect(200);
    paystream.is_made_once(order_id, &refunded).await;
    paystream.order_becomes(order_id, "on_hold").await;
}

#[tokio::test]
async fn an_order_is_held_when_its_payment_is_voided() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let payment = accepted(&paystream, order_id).await;
    let voided = post_empty(&paystream, &format!("{payment}/void")).await;
    paystream.is_made_once(order_id, &voided).await;
    paystream.order_becomes(order_id, "on_hold").await;
}

#[tokio::test]
async fn an_accepted_order_shows_the_payments_that_cover_it_now() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let first = accepted(&paystream, order_id).await;
    let second = paystream.pay(order_id, &eur(1500), "tok_approve").await;
    paystream.payment_arrives(order_id, &second).await;
    let both = paystream.get(&format!("/orders/{order_id}")).await.expect(200);
    assert_eq!((&both["coverage"]["covered"], &both["coverage"]["overpaid"]), (&eur(1299), &eur(1500)));
    let voided = post_empty(&paystream, &format!("{first}/void")).await;
    paystream.payment_arrives(order_id, &voided).await;
    let order = paystream.get(&format!("/orders/{order_id}")).await.expect(200);
    assert_eq!((&order["status"], &order["revision"]), (&json!("accepted"), &both["revision"]));
    assert_eq!(order["payment"]["based_on"], both["payment"]["based_on"], "the decision stays");
    assert_eq!((&order["coverage"]["covered"], &order["coverage"]["overpaid"]), (&eur(1299), &eur(201)));
    let covering = order["coverage"]["covered_by"].as_array().unwrap();
    assert_eq!(covering.iter().map(|payment| &payment["payment_id"]).collect::<Vec<_>>(), [&second["payment_id"]]);
    // The request that placed the order, repeated in both modes.
    let placed = order_body(order_id, &[line("tea", 1, &eur(1299))]);
    for path in ["/orders", "/sync/orders"] {
        assert_eq!(paystream.post(path, &placed).await.expect(200)["coverage"], order["coverage"], "{path}");
    }
}

#[tokio::test]
async fn a_change_with_a_stale_if_match_is_rejected() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let payment = accepted(&paystream, order_id).await;
    let read = paystream.get(&payment).await.headers["etag"].to_str().unwrap().to_owned();
    let void = format!("{payment}/void");
    post_empty(&paystream, &format!("{payment}/capture")).await;
    let stale = paystream.request("POST", &void, &[("if-match", &read)], "").await;
    assert_eq!(stale.headers["etag"], "\"2\"");
    stale.expect_problem(412, "version-mismatch");
    let captured = paystream.request("POST", &void, &[("if-match", "\"2\"")], "").await;
    assert_eq!(captured.expect_problem(409, "illegal-transition")["payment_status"], "captured");
}
