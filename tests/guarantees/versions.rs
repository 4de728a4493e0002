//! Guarantee 8: every version of a payment is published at least once, and first appearances on the stream are in the
//! order of the versions, in both publish modes. Each test reads the raw stream and the raw table.

mod record_age;
mod switching;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join_all;
use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Paystream, eur};
use serde_json::{Value, json};

/// Values of the template parameter `PublishMode`.
const MODES: [&str; 2] = ["direct", "stream"];

/// Starts a system whose relay waits for no further changes.
async fn paystream(mode: &str) -> Paystream {
    let parameters = [("PublishMode", mode), ("PaymentLeaseMs", "200"), ("RelayWindowSeconds", "0")];
    Paystream::start_with_parameters(&parameters).await
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
    for mode in MODES {
        let paystream = paystream(mode).await;
        paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::error("ServiceUnavailable")));
        let payment = pay_in_four_versions(&paystream, "ord-1").await;
        paystream.heal();
        paystream.payment_arrives("ord-1", &payment).await;
        paystream.every_version_is_published_in_order().await;
    }
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
    let paystream = paystream("direct").await;
    let captured = capture_after_failed_publishes(&paystream, 1).await;
    paystream.payment_arrives("ord-1", &captured).await;
    paystream.every_version_is_published_in_order().await;
}

/// The capture's request fails to publish the authorization as well.
#[tokio::test]
async fn a_capture_does_not_overtake_a_version_that_cannot_be_published() {
    let paystream = paystream("direct").await;
    let captured = capture_after_failed_publishes(&paystream, 2).await;
    paystream.heal();
    paystream.payment_arrives("ord-1", &captured).await;
    paystream.every_version_is_published_in_order().await;
}

#[tokio::test]
async fn versions_are_in_order_after_a_gradual_recovery() {
    for mode in MODES {
        let paystream = paystream(mode).await;
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
}

#[tokio::test]
async fn concurrent_changes_are_published_in_order() {
    for mode in MODES {
        let paystream = paystream(mode).await;
        paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::Reorder(30)));
        let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
        change(&paystream, &payment, "capture", "capture", &json!({})).await;
        let refunds =
            (0..12).map(|n| {
                let (paystream, payment) = (&paystream, &payment);
                async move {
                    change(paystream, payment, "refund", &format!("refund-{n}"), &json!({"amount": eur(10)})).await
                }
            });
        join_all(refunds).await;
        paystream.every_version_is_published_in_order().await;
    }
}

/// In `stream` mode, between the publish and the checkpoint.
#[tokio::test]
async fn a_crash_between_publish_and_raise_costs_duplicates_only() {
    let crashes = [("direct", "PaymentApi", "PutRecord"), ("direct", "PaymentRelay", "PutRecords")];
    for (mode, function, operation) in crashes.into_iter().chain([("stream", "PaymentRelay", "PutRecords")]) {
        let paystream = paystream(mode).await;
        if function == "PaymentRelay" {
            let down = Fault::new(FaultTarget::Kinesis, Effect::error("ServiceUnavailable")).from("PaymentApi");
            paystream.inject(down);
        }
        let crash = Fault::new(FaultTarget::Kinesis, Effect::kill_after()).operation(operation).from(function);
        paystream.inject(crash.count(1));
        let body = paystream_tests::payment_body("ord-1", &eur(1299), "tok_approve");
        let payment = paystream.insist("/payments", "pay", &body).await.expect(201);
        let captured = change(&paystream, &payment, "capture", "capture", &json!({})).await;
        paystream.payment_arrives("ord-1", &captured).await;
        assert!(paystream.every_version_is_published_in_order().await > 2, "{mode}: the crash costs a duplicate");
    }
}

#[tokio::test]
async fn commands_publish_from_the_position_and_a_replay_from_the_first_version() {
    for mode in MODES {
        let paystream = paystream(mode).await;
        paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::error("ServiceUnavailable")).from("PaymentApi"));
        paystream.inject(Fault::new(FaultTarget::function("PaymentRelay"), Effect::error("Broken")));
        let payment = pay_in_four_versions(&paystream, "ord-1").await;
        paystream.command(&["reconcile", "--grace", "0", "--repair", "--wait"]).await.text(0);
        paystream.payment_arrives("ord-1", &payment).await;
        assert_eq!(paystream.every_version_is_published_in_order().await, 4, "each once");
        paystream.command(&["replay"]).await.text(0);
        assert_eq!(paystream.every_version_is_published_in_order().await, 8, "each once more");
    }
}

#[tokio::test]
async fn in_stream_mode_payment_api_calls_no_hub_and_the_relay_no_table() {
    let paystream = paystream("stream").await;
    pay_in_four_versions(&paystream, "ord-1").await;
    paystream.every_version_is_published_in_order().await;
    let calls = serde_json::to_value(paystream.environment().calls()).unwrap();
    // Begin, decide and three changes, and the charge of the simulated processor.
    assert_eq!(calls["PaymentApi"], json!({"dynamodb": {"GetItem": 3, "PutItem": 6}}));
    let of_relay: Vec<_> = calls["PaymentRelay"].as_object().unwrap().keys().collect();
    assert_eq!(of_relay, ["kinesis"], "{calls}");
}

/// The images of a payment with two versions are unreadable, and the relay passes them.
#[tokio::test]
async fn an_unreadable_image_is_redriven_from_the_first_version() {
    let paystream = paystream("stream").await;
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    let captured = change(&paystream, &payment, "capture", "capture", &json!({})).await;
    let mut item = paystream.payment_item(&captured).await;
    item.insert("payment_id".to_owned(), AttributeValue::S("pay_damaged".to_owned()));
    let mut damaged = item.clone();
    damaged.remove("status");
    paystream.put_payment_items([damaged]).await;
    Paystream::eventually("the image is quarantined", async || {
        let listed = paystream.command(&["quarantine", "list", "--json"]).await.json(0);
        (listed["records"].as_array()?.len() == 1).then_some(())
    })
    .await;
    // The relay is stopped, because it would publish the item as soon as it is mended.
    paystream.inject(Fault::new(FaultTarget::function("PaymentRelay"), Effect::error("Stopped")));
    paystream.put_payment_items([item]).await;
    paystream.command(&["quarantine", "redrive", "--all"]).await.text(0);
    assert_eq!(paystream.every_version_is_published_in_order().await, 4, "each version of both payments once");
}
