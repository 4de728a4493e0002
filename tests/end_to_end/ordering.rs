//! Orders placed before and after their payments.

use paystream_tests::{Paystream, eur, line, order_body, payment_body};
use serde_json::json;

#[tokio::test]
async fn an_order_is_accepted_immediately_on_a_payment_that_has_arrived() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    paystream.payment_arrives(order_id, &payment).await;

    let placed = paystream.post("/orders", &order_body(order_id, &[line("tea", 1, &eur(1299))])).await;
    assert_eq!(placed.headers["location"], format!("orders/{order_id}"));
    let order = placed.expect(201);
    assert_eq!(order["status"], "accepted");
    assert_eq!(order["total"], eur(1299));
    assert_eq!(order["fulfilment"]["status"], "started");
    assert_eq!(order["payment"]["read"], "local");
    assert_eq!(order["payment"]["based_on"][0]["payment_id"], payment["payment_id"]);
    assert_eq!(order["payment"]["based_on"][0]["version"], 1);
    assert_eq!(paystream.get(&format!("/orders/{order_id}")).await.expect(200), order);
}

#[tokio::test]
async fn an_order_placed_first_is_accepted_once_its_payment_arrives() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let placed = paystream.post("/orders", &order_body(order_id, &[line("tea", 2, &eur(500))])).await.expect(202);
    assert_eq!(placed["status"], "awaiting_payment");
    assert_eq!(placed["fulfilment"]["status"], "not_started");

    let payment = paystream.pay(order_id, &eur(1000), "tok_approve").await;
    let order = paystream.order_becomes(order_id, "accepted").await;
    assert_eq!(order["fulfilment"]["status"], "started");
    assert_eq!(order["payment"]["based_on"][0]["payment_id"], payment["payment_id"]);
}

#[tokio::test]
async fn two_payments_cover_one_order_together() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    paystream.post("/orders", &order_body(order_id, &[line("tea", 1, &eur(1000))])).await.expect(202);
    let first = paystream.pay(order_id, &eur(400), "tok_approve").await;
    paystream.payment_arrives(order_id, &first).await;
    assert_eq!(paystream.get(&format!("/orders/{order_id}")).await.expect(200)["status"], "awaiting_payment");

    let second = paystream.pay(order_id, &eur(600), "tok_approve").await;
    let order = paystream.order_becomes(order_id, "accepted").await;
    let mut based_on: Vec<_> = order["payment"]["based_on"].as_array().unwrap().iter().collect();
    based_on.sort_by_key(|payment| payment["age_ms"].as_u64());
    let ids: Vec<_> = based_on.iter().map(|payment| &payment["payment_id"]).collect();
    assert_eq!(ids, [&second["payment_id"], &first["payment_id"]]);
}

#[tokio::test]
async fn a_declined_payment_leaves_the_order_waiting_and_is_shown() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let payment = paystream.pay(order_id, &eur(1299), "tok_decline_insufficient_funds").await;
    assert_eq!(payment["status"], "declined");
    paystream.payment_arrives(order_id, &payment).await;

    let order = paystream.post("/orders", &order_body(order_id, &[line("tea", 1, &eur(1299))])).await.expect(202);
    assert_eq!(order["status"], "awaiting_payment");
    assert_eq!(order["payment"]["based_on"][0]["status"], "declined");
    let copies = paystream.get(&format!("/orders/{order_id}/payments")).await.expect(200);
    assert_eq!(copies["payments"][0]["decline"]["code"], "insufficient_funds");

    paystream.pay(order_id, &eur(1299), "tok_approve").await;
    paystream.order_becomes(order_id, "accepted").await;
}

#[tokio::test]
async fn a_payment_in_another_currency_covers_nothing() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let dollars = json!({"minor": 1_000_000, "currency": "USD"});
    let payment = paystream.pay(order_id, &dollars, "tok_approve").await;
    paystream.payment_arrives(order_id, &payment).await;
    let order = paystream.post("/orders", &order_body(order_id, &[line("tea", 1, &eur(1))])).await.expect(202);
    assert_eq!(order["status"], "awaiting_payment");
}

#[tokio::test]
async fn a_payment_one_cent_short_does_not_cover_the_order() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let payment = paystream.pay(order_id, &eur(1298), "tok_approve").await;
    paystream.payment_arrives(order_id, &payment).await;
    paystream.post("/orders", &order_body(order_id, &[line("tea", 1, &eur(1299))])).await.expect(202);
    paystream.pay(order_id, &eur(1), "tok_approve").await;
    paystream.order_becomes(order_id, "accepted").await;
}

#[tokio::test]
async fn repeating_an_order_returns_it_and_a_different_order_with_its_id_conflicts() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let body = order_body(order_id, &[line("tea", 1, &eur(1299))]);
    let first = paystream.post("/orders", &body).await.expect(202);
    let again = paystream.post("/orders", &body).await.expect(200);
    assert_eq!((&again["created_at"], &again["revision"]), (&first["created_at"], &first["revision"]));
    let other = order_body(order_id, &[line("tea", 2, &eur(1299))]);
    paystream.post("/orders", &other).await.expect_problem(409, "order-conflict");
    assert_eq!(paystream.get(&format!("/orders/{order_id}")).await.expect(200)["lines"], first["lines"]);
}

#[tokio::test]
async fn a_payment_requested_twice_is_made_once_and_reaches_orders_once() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let key = &paystream.name("key");
    let body = payment_body(order_id, &eur(1299), "tok_approve");
    let first = paystream.post_with_key("/payments", key, &body).await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let second = paystream.post_with_key("/payments", key, &body).await;
    assert_eq!(second.headers["idempotent-replayed"], "true");
    let payment = first.expect(201);
    assert_eq!(second.expect(201), payment);

    paystream.payment_arrives(order_id, &payment).await;
    let copies = paystream.get(&format!("/orders/{order_id}/payments")).await.expect(200);
    assert_eq!(copies["payments"].as_array().unwrap().len(), 1);
    let made = paystream.get(&format!("/payments?order_id={order_id}")).await.expect(200);
    assert_eq!(made["payments"], json!([payment]));
}
