//! Synchronous mode: `POST /sync/orders` calls Payments and waits. Both modes place the same orders.

use paystream_local::{Effect, ErrorAnswer, Fault, FaultTarget};
use paystream_tests::{Need, Paystream, eur, line, order_body, skip_without};
use serde_json::{Value, json};

fn tea(order_id: &str) -> Value {
    order_body(order_id, &[line("tea", 1, &eur(1299))])
}

/// Makes every invocation of the projector fail, so that no published payment arrives.
fn cut_the_stream(paystream: &Paystream) {
    paystream.inject(Fault::new(FaultTarget::function("OrderProjector"), Effect::error("Cut")));
}

#[tokio::test]
async fn an_order_is_accepted_on_a_payment_that_has_not_arrived() {
    if skip_without(&[Need::Faults]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    cut_the_stream(&paystream);
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    let answer = paystream.post("/sync/orders", &tea("ord-1")).await;
    assert_eq!(answer.headers["location"], "../orders/ord-1");
    let order = answer.expect(201);
    assert_eq!((&order["status"], &order["payment"]["read"]), (&json!("accepted"), &json!("remote")));
    assert_eq!(order["payment"]["based_on"][0]["payment_id"], payment["payment_id"]);
    assert_eq!(paystream.get("/orders/ord-1/payments").await.expect(200)["payments"], json!([]));
    assert_eq!(
        paystream.get("/orders/ord-1").await.expect(200),
        order,
        "a payment that has not arrived does not change the order"
    );

    paystream.heal();
    paystream.payment_arrives("ord-1", &payment).await;
    assert_eq!(paystream.get("/orders/ord-1").await.expect(200), order);
}

#[tokio::test]
async fn an_order_without_a_payment_waits_and_is_settled_when_the_payment_arrives() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let placed = paystream.post("/sync/orders", &tea(order_id)).await.expect(202);
    assert_eq!((&placed["status"], &placed["payment"]["read"]), (&json!("awaiting_payment"), &json!("remote")));
    paystream.pay(order_id, &eur(1299), "tok_approve").await;
    let order = paystream.order_becomes(order_id, "accepted").await;
    assert_eq!(order["payment"]["read"], "local", "by the projector");
}

#[tokio::test]
async fn a_void_puts_the_order_on_hold_before_and_after_its_event_arrives() {
    if skip_without(&[Need::Faults]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    cut_the_stream(&paystream);
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    paystream.post("/sync/orders", &tea("ord-1")).await.expect(201);
    let void = format!("/payments/{}/void", payment["payment_id"].as_str().unwrap());
    let voided = paystream.post_text(&void, "").await.expect(200);
    // Repeating the order decides again: synchronous mode sees the void before its event arrives.
    let order = paystream.post("/sync/orders", &tea("ord-1")).await.expect(200);
    assert_eq!((&order["status"], &order["payment"]["read"]), (&json!("on_hold"), &json!("remote")));
    paystream.heal();
    paystream.payment_arrives("ord-1", &voided).await;
    assert_eq!(paystream.get("/orders/ord-1").await.expect(200)["status"], "on_hold");
    // A void that arrives after the order was placed.
    let payment = paystream.pay("ord-2", &eur(1299), "tok_approve").await;
    paystream.post("/sync/orders", &tea("ord-2")).await.expect(201);
    paystream.post_text(&format!("/payments/{}/void", payment["payment_id"].as_str().unwrap()), "").await.expect(200);
    paystream.order_becomes("ord-2", "on_hold").await;
}

#[tokio::test]
async fn the_same_order_in_both_modes_is_one_order() {
    let paystream = Paystream::of_target().await;
    let (first, second) = (&paystream.name("ord"), &paystream.name("ord"));
    let payment = paystream.pay(first, &eur(1299), "tok_approve").await;
    paystream.payment_arrives(first, &payment).await;
    let local = paystream.post("/orders", &tea(first)).await.expect(201);
    assert_eq!(paystream.post("/sync/orders", &tea(first)).await.expect(200), local);

    paystream.pay(second, &eur(1299), "tok_approve").await;
    let remote = paystream.post("/sync/orders", &tea(second)).await.expect(201);
    assert_eq!(paystream.post("/orders", &tea(second)).await.expect(200), remote);
    let other = order_body(second, &[line("tea", 2, &eur(1299))]);
    paystream.post("/sync/orders", &other).await.expect_problem(409, "order-conflict");
}

#[tokio::test]
async fn while_payments_is_unreachable_no_order_is_stored_and_asynchronous_orders_are_accepted() {
    if skip_without(&[Need::Faults]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    paystream.payment_arrives("ord-1", &payment).await;
    let lookups = Fault::new(FaultTarget::api("PaymentsApi"), Effect::reset_before()).operation("GET /payments");
    paystream.inject(lookups.from("SyncOrderApi"));
    let refused = paystream.post_once("/sync/orders", "key-1", &tea("ord-1")).await;
    assert_eq!(refused.headers["retry-after"], "1");
    refused.expect_problem(503, "payments-unreachable");
    assert_eq!(paystream.environment().faults()[0].struck, 2, "the lookup was tried twice");
    paystream.get("/orders/ord-1").await.expect_problem(404, "order-not-found");
    assert_eq!(paystream.item_count("OrdersTable").await, 1, "the copy of the payment, and nothing else");
    // Asynchronous mode is not affected.
    paystream.post("/orders", &tea("ord-1")).await.expect(201);

    paystream.heal();
    paystream.pay("ord-2", &eur(1299), "tok_approve").await;
    paystream.post("/sync/orders", &tea("ord-2")).await.expect(201);
}

#[tokio::test]
async fn repeated_failures_open_the_circuit_breaker_and_the_response_says_when_to_retry() {
    if skip_without(&[Need::Faults]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    let unavailable = ErrorAnswer { code: "ServiceUnavailable".to_owned(), message: None, status: None };
    paystream.inject(Fault::new(FaultTarget::api("PaymentsApi"), Effect::Error(unavailable)));
    let calls = || paystream.environment().faults()[0].struck;
    for lookups in 1..=3 {
        paystream.post_once("/sync/orders", "key-1", &tea("ord-1")).await.expect_problem(503, "payments-unreachable");
        assert_eq!(calls(), 2 * lookups);
    }
    let open = Paystream::eventually("the circuit breaker is open", async || {
        let before = calls();
        let answer = paystream.post_once("/sync/orders", "key-1", &tea("ord-1")).await;
        (calls() == before).then_some(answer)
    })
    .await;
    let retry_after_s: u64 = open.headers["retry-after"].to_str().unwrap().parse().unwrap();
    open.expect_problem(503, "payments-unreachable");
    assert!((1..=5).contains(&retry_after_s), "{retry_after_s}");

    // The circuit breaker closes after the retry time.
    paystream.heal();
    Paystream::eventually("the circuit breaker closes", async || {
        let answer = paystream.post_once("/sync/orders", "key-1", &tea("ord-1")).await;
        (answer.status.as_u16() == 202).then_some(())
    })
    .await;
    paystream.post("/sync/orders", &tea("ord-2")).await.expect(202);
}

#[tokio::test]
async fn only_synchronous_orders_wait_for_a_slow_payments_api() {
    if skip_without(&[Need::Faults]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    paystream.payment_arrives("ord-1", &payment).await;
    paystream.inject(Fault::new(FaultTarget::api("PaymentsApi"), Effect::LatencyMs(200)));
    paystream.post("/orders", &tea("ord-1")).await.expect(201);
    assert_eq!(paystream.environment().faults()[0].struck, 0);
    paystream.post("/sync/orders", &tea("ord-2")).await.expect(202);
    assert_eq!(paystream.environment().faults()[0].struck, 1);
}

#[tokio::test]
async fn prod_has_no_synchronous_orders_by_default() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    let secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:processor-AbCdEf";
    let processor = [("ProcessorUrl", "https://processor.example"), ("ProcessorSecretArn", secret)];
    let paystream = Paystream::start_with_parameters(&[("Stage", "prod"), processor[0], processor[1]]).await;
    paystream.post("/sync/orders", &tea("ord-1")).await.expect_problem(404, "no-such-route");
    paystream.post("/orders", &tea("ord-1")).await.expect(202);
}
