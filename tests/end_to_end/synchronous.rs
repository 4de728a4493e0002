//! Synchronous mode: `POST /sync/orders` asks Payments and waits. The orders are the same ones.

use paystream_local::{Effect, Fault, Target};
use paystream_tests::{Paystream, eur, line, order_body};
use serde_json::{Value, json};

fn tea(order_id: &str) -> Value {
    order_body(order_id, &[line("tea", 1, &eur(1299))])
}

/// From now on, nothing that Payments publishes arrives.
fn cut_the_stream(paystream: &Paystream) {
    paystream.inject(Fault::new(Target::function("OrderProjector"), Effect::error("Cut")));
}

#[tokio::test]
async fn an_order_is_accepted_on_a_payment_that_has_not_arrived() {
    let paystream = Paystream::start().await;
    cut_the_stream(&paystream);
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    let answer = paystream.post("/sync/orders", &tea("ord-1")).await;
    assert_eq!(answer.headers["location"], "/orders/ord-1");
    let order = answer.expect(201);
    assert_eq!((&order["status"], &order["payment"]["read"]), (&json!("accepted"), &json!("remote")));
    assert_eq!(order["payment"]["based_on"][0]["payment_id"], payment["payment_id"]);
    assert_eq!(paystream.get("/orders/ord-1/payments").await.expect(200)["payments"], json!([]));
    assert_eq!(paystream.get("/orders/ord-1").await.expect(200), order, "what has not arrived is held against nobody");

    paystream.heal();
    paystream.payment_arrives("ord-1", &payment).await;
    assert_eq!(paystream.get("/orders/ord-1").await.expect(200), order);
}
