//! A sandbox dies before or after each call it makes: the client repeats its request, and the payment is made once.

use paystream_local::{Effect, Fault, Target};
use paystream_tests::{Paystream, eur, payment_body};
use serde_json::{Value, json};

/// The calls of `POST /payments` in order: begin, decide, publish, clear the mark.
const CALLS_TO_PAY: [(Target, &str, u64); 4] = [
    (Target::DynamoDb, "PutItem", 0),
    (Target::DynamoDb, "PutItem", 1),
    (Target::Kinesis, "PutRecord", 0),
    (Target::DynamoDb, "UpdateItem", 0),
];

/// The calls of a capture, a void and a refund: load, change, publish, clear the mark.
const CALLS_TO_CHANGE: [(Target, &str, u64); 4] = [
    (Target::DynamoDb, "GetItem", 0),
    (Target::DynamoDb, "PutItem", 0),
    (Target::Kinesis, "PutRecord", 0),
    (Target::DynamoDb, "UpdateItem", 0),
];

/// The calls of the relay for what it has to publish.
const CALLS_TO_RELAY: [(Target, &str, u64); 2] =
    [(Target::Kinesis, "PutRecords", 0), (Target::DynamoDb, "UpdateItem", 0)];

/// Where the lease is short, so that no test waits for the ten seconds of a deployed one.
async fn paystream() -> Paystream {
    Paystream::start_with_parameters(&[("PaymentLeaseMs", "200"), ("RelayWindowSeconds", "0")]).await
}

/// The process that makes this call dies of it, once.
fn deadly(from: &str, (target, operation, skip): &(Target, &str, u64), effect: Effect) -> Fault {
    Fault::new(target.clone(), effect).operation(*operation).from(from).skip(*skip).count(1)
}

/// Each call with each moment to die at, and a name for both.
fn deaths(calls: &[(Target, &'static str, u64)]) -> Vec<(String, (Target, &'static str, u64), Effect)> {
    let moments = [("before", Effect::kill_before()), ("after", Effect::kill_after())];
    let named = |call: &(Target, &'static str, u64), (moment, effect): &(&str, Effect)| {
        (format!("{moment}-{}-{}", call.1, call.2), call.clone(), effect.clone())
    };
    calls.iter().flat_map(|call| moments.iter().map(move |moment| named(call, moment))).collect()
}

/// Checks that the fault did strike: the test is about it.
fn assert_struck(paystream: &Paystream) {
    let faults = paystream.environment().faults();
    assert!(faults.iter().all(|fault| fault.struck == 1), "{faults:?}");
}

#[tokio::test]
async fn a_payment_is_made_once_wherever_its_sandbox_dies() {
    let paystream = paystream().await;
    for (name, call, effect) in deaths(&CALLS_TO_PAY) {
        paystream.inject(deadly("PaymentApi", &call, effect));
        let body = payment_body(&name, &eur(1299), "tok_approve");
        let died = paystream.post_with_key("/payments", &name, &body).await;
        assert_eq!(died.status, 502, "{name}: the client gets no answer");
        let payment = paystream.insist("/payments", &name, &body).await.expect(201);
        assert_eq!(payment["version"], 1, "{name}: {payment}");
        paystream.is_made_once(&name, &payment).await;
        assert_struck(&paystream);
        paystream.heal();
    }
    assert_eq!(paystream.charged().len(), deaths(&CALLS_TO_PAY).len(), "no charge without its payment");
}

#[tokio::test]
async fn a_decline_is_told_once_wherever_its_sandbox_dies() {
    let paystream = paystream().await;
    for (name, call, effect) in deaths(&CALLS_TO_PAY) {
        paystream.inject(deadly("PaymentApi", &call, effect));
        let body = payment_body(&name, &eur(1299), "tok_decline_fraud");
        let declined = paystream.insist("/payments", &name, &body).await.expect(201);
        assert_eq!(
            (&declined["status"], &declined["decline"]["code"]),
            (&json!("declined"), &json!("suspected_fraud"))
        );
        paystream.is_made_once(&name, &declined).await;
        assert_struck(&paystream);
        paystream.heal();
    }
    assert_eq!(paystream.charged().len(), 0);
}

#[tokio::test]
async fn a_change_is_made_once_wherever_its_sandbox_dies() {
    let paystream = paystream().await;
    let part = json!({"amount": eur(300)});
    for (name, call, effect) in deaths(&CALLS_TO_CHANGE) {
        for (step, status, refunded) in [("capture", "captured", 0), ("refund", "captured", 300)] {
            let order_id = format!("{name}-{step}");
            let mut payment = paystream.pay(&order_id, &eur(1299), "tok_approve").await;
            let path = |step: &str| format!("/payments/{}/{step}", payment["payment_id"].as_str().unwrap());
            let body = if step == "refund" {
                paystream.post(&path("capture"), &json!({})).await.expect(200);
                part.clone()
            } else {
                json!({})
            };
            paystream.inject(deadly("PaymentApi", &call, effect.clone()));
            let died = paystream.post_with_key(&path(step), &order_id, &body).await;
            assert_eq!(died.status, 502, "{order_id}: the client gets no answer");
            payment = paystream.insist(&path(step), &order_id, &body).await.expect(200);
            assert_eq!((&payment["status"], &payment["refunded_minor"]), (&json!(status), &json!(refunded)));
            assert_eq!(payment["captured_minor"], 1299);
            paystream.is_made_once(&order_id, &payment).await;
            assert_struck(&paystream);
            paystream.heal();
        }
    }
}

#[tokio::test]
async fn what_is_left_to_the_relay_is_published_wherever_the_relay_dies() {
    let paystream = paystream().await;
    let away =
        || Fault::new(Target::Kinesis, Effect::error("InternalFailure")).operation("PutRecord").from("PaymentApi");
    for (name, call, effect) in deaths(&CALLS_TO_RELAY) {
        paystream.inject(away());
        paystream.inject(deadly("PaymentRelay", &call, effect));
        let payment: Value = paystream.pay(&name, &eur(1299), "tok_approve").await;
        paystream.is_made_once(&name, &payment).await;
        let deaths = paystream.environment().faults().last().map(|fault| fault.struck);
        assert_eq!(deaths, Some(1), "{name}");
        paystream.heal();
    }
}
