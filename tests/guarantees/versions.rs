//! Guarantee 8: every version of a payment is published at least once, and first appearances on the stream are in the
//! order of the versions. Each test reads the raw stream and the raw table.

use futures::future::join_all;
use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Paystream, eur};
use serde_json::{Value, json};

/// Starts a system whose relay waits for no further changes.
async fn paystream() -> Paystream {
    Paystream::start_with_parameters(&[("PaymentLeaseMs", "200"), ("RelayWindowSeconds", "0")]).await
}

/// Changes the payment, with a key that is used once.
async fn change(paystream: &Paystream, payment: &Value, change: &str, key: &str, body: &Value) -> Value {
    let path = format!("/payments/{}/{change}", payment["payment_id"].as_str().unwrap());
    paystream.insist(&path, key, body).await.expect(200)
}

/// Authorizes, captures and refunds a payment twice, in part: four versions.
async fn pay_in_four_versions(paystream: &Paystream, order_id: &str) -> Value {
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    change(paystream, &payment, "capture", "capture", &json!({})).await;
    change(paystream, &payment, "refund", "first", &json!({"amount": eur(300)})).await;
    change(paystream, &payment, "refund", "second", &json!({"amount": eur(200)})).await
}

#[tokio::test]
async fn versions_made_while_kinesis_is_down_are_all_published_afterwards() {
    let paystream = paystream().await;
    paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::error("ServiceUnavailable")));
    let payment = pay_in_four_versions(&paystream, "ord-1").await;
    paystream.heal();
    paystream.payment_arrives("ord-1", &payment).await;
    paystream.every_version_is_published_in_order().await;
}

/// Attempts of one direct publish.
const ATTEMPTS: u64 = 2;

/// Pays and captures while the first direct publishes fail, and without the relay.
async fn capture_after_failed_publishes(paystream: &Paystream, publishes: u64) -> Value {
    let refused = Fault::new(FaultTarget::Kinesis, Effect::error("ServiceUnavailable")).operation("PutRecord");
    paystream.inject(refused.count(publishes * ATTEMPTS));
    paystream.inject(Fault::new(FaultTarget::function("PaymentRelay"), Effect::error("Broken")));
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    change(paystream, &payment, "capture", "capture", &json!({})).await
}

#[tokio::test]
async fn a_capture_publishes_the_version_that_the_relay_has_yet_to_publish_first() {
    let paystream = paystream().await;
    let captured = capture_after_failed_publishes(&paystream, 1).await;
    paystream.payment_arrives("ord-1", &captured).await;
    paystream.every_version_is_published_in_order().await;
}

/// The capture's request fails to publish the authorization as well.
#[tokio::test]
async fn a_capture_does_not_overtake_a_version_that_cannot_be_published() {
    let paystream = paystream().await;
    let captured = capture_after_failed_publishes(&paystream, 2).await;
    paystream.heal();
    paystream.payment_arrives("ord-1", &captured).await;
    paystream.every_version_is_published_in_order().await;
}

#[tokio::test]
async fn versions_are_in_order_after_a_gradual_recovery() {
    let paystream = paystream().await;
    paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::error("ServiceUnavailable")));
    let orders: Vec<_> = (0..12).map(|n| format!("ord-{}", n % 4)).collect();
    let payments = join_all(orders.iter().map(|order_id| pay_in_four_versions(&paystream, order_id))).await;
    paystream.heal();
    let partly = Fault::new(FaultTarget::Kinesis, Effect::Partial(0.5)).operation("PutRecords");
    paystream.inject(partly.count(12).seed(11));
    paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::Reorder(20)));
    for (order_id, payment) in orders.iter().zip(&payments) {
        paystream.payment_arrives(order_id, payment).await;
    }
    paystream.every_version_is_published_in_order().await;
}

#[tokio::test]
async fn concurrent_changes_are_published_in_order() {
    let paystream = paystream().await;
    paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::Reorder(30)));
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    change(&paystream, &payment, "capture", "capture", &json!({})).await;
    let refunds = (0..12).map(|n| {
        let (paystream, payment) = (&paystream, &payment);
        async move { change(paystream, payment, "refund", &format!("refund-{n}"), &json!({"amount": eur(10)})).await }
    });
    join_all(refunds).await;
    paystream.every_version_is_published_in_order().await;
}

#[tokio::test]
async fn a_crash_between_publish_and_raise_costs_duplicates_only() {
    let paystream = paystream().await;
    for (function, operation) in [("PaymentApi", "PutRecord"), ("PaymentRelay", "PutRecords")] {
        if function == "PaymentRelay" {
            let down = Fault::new(FaultTarget::Kinesis, Effect::error("ServiceUnavailable")).from("PaymentApi");
            paystream.inject(down);
        }
        let crash = Fault::new(FaultTarget::Kinesis, Effect::kill_after()).operation(operation).from(function);
        paystream.inject(crash.count(1));
        let body = paystream_tests::payment_body(operation, &eur(1299), "tok_approve");
        let payment = paystream.insist("/payments", operation, &body).await.expect(201);
        let captured = change(&paystream, &payment, "capture", operation, &json!({})).await;
        paystream.payment_arrives(operation, &captured).await;
        paystream.heal();
    }
    paystream.every_version_is_published_in_order().await;
}

#[tokio::test]
async fn commands_publish_from_the_position_and_a_replay_from_the_first_version() {
    let paystream = paystream().await;
    paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::error("ServiceUnavailable")).from("PaymentApi"));
    paystream.inject(Fault::new(FaultTarget::function("PaymentRelay"), Effect::error("Broken")));
    let payment = pay_in_four_versions(&paystream, "ord-1").await;
    paystream.command(&["reconcile", "--grace", "0", "--repair", "--wait"]).await.text(0);
    paystream.payment_arrives("ord-1", &payment).await;
    assert_eq!(paystream.every_version_is_published_in_order().await, 4, "each once");
    paystream.command(&["replay"]).await.text(0);
    assert_eq!(paystream.every_version_is_published_in_order().await, 8, "each once more");
}
