//! Crashes of a sandbox before and after each call it makes: the client retries, and the payment is made once.

use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Paystream, eur, payment_body};
use serde_json::{Value, json};

/// The calls of `POST /payments` in order: begin, decide, publish, raise the position.
const CALLS_TO_PAY: [(FaultTarget, &str, u64); 4] = [
    (FaultTarget::DynamoDb, "PutItem", 0),
    (FaultTarget::DynamoDb, "PutItem", 1),
    (FaultTarget::Kinesis, "PutRecord", 0),
    (FaultTarget::DynamoDb, "UpdateItem", 0),
];

/// The calls of a capture, a void and a refund: load, change, publish, raise the position.
const CALLS_TO_CHANGE: [(FaultTarget, &str, u64); 4] = [
    (FaultTarget::DynamoDb, "GetItem", 0),
    (FaultTarget::DynamoDb, "PutItem", 0),
    (FaultTarget::Kinesis, "PutRecord", 0),
    (FaultTarget::DynamoDb, "UpdateItem", 0),
];

/// The calls of the relay for a batch with payments that are due.
const CALLS_TO_RELAY: [(FaultTarget, &str, u64); 2] =
    [(FaultTarget::Kinesis, "PutRecords", 0), (FaultTarget::DynamoDb, "UpdateItem", 0)];

/// Starts a system with a short lease, so that no test waits for the ten seconds of the default.
async fn paystream() -> Paystream {
    Paystream::start_with_parameters(&[("PaymentLeaseMs", "200"), ("RelayWindowSeconds", "0")]).await
}

/// A fault that kills the process which makes this call, once.
fn crash(from: &str, (target, operation, skip): &(FaultTarget, &str, u64), effect: Effect) -> Fault {
    Fault::new(target.clone(), effect).operation(*operation).from(from).skip(*skip).count(1)
}

/// A crash before and after each call, with a name.
fn crashes(calls: &[(FaultTarget, &'static str, u64)]) -> Vec<(String, (FaultTarget, &'static str, u64), Effect)> {
    let moments = [("before", Effect::kill_before()), ("after", Effect::kill_after())];
    let named = |call: &(FaultTarget, &'static str, u64), (moment, effect): &(&str, Effect)| {
        (format!("{moment}-{}-{}", call.1, call.2), call.clone(), effect.clone())
    };
    calls.iter().flat_map(|call| moments.iter().map(move |moment| named(call, moment))).collect()
}

/// Checks that each fault was injected exactly once.
fn assert_struck(paystream: &Paystream) {
    let faults = paystream.environment().faults();
    assert!(faults.iter().all(|fault| fault.struck == 1), "{faults:?}");
}

#[tokio::test]
async fn a_payment_is_made_once_whichever_call_its_sandbox_crashes_at() {
    let paystream = paystream().await;
    for (name, call, effect) in crashes(&CALLS_TO_PAY) {
        paystream.inject(crash("PaymentApi", &call, effect));
        let body = payment_body(&name, &eur(1299), "tok_approve");
        let died = paystream.post_with_key("/payments", &name, &body).await;
        assert_eq!(died.status, 502, "{name}: the client gets no response");
        let payment = paystream.insist("/payments", &name, &body).await.expect(201);
        assert_eq!(payment["version"], 1, "{name}: {payment}");
        paystream.is_made_once(&name, &payment).await;
        assert_struck(&paystream);
        paystream.heal();
    }
    assert_eq!(paystream.charged().await.len(), crashes(&CALLS_TO_PAY).len(), "no charge without its payment");
}

#[tokio::test]
async fn a_decline_is_recorded_once_whichever_call_its_sandbox_crashes_at() {
    let paystream = paystream().await;
    for (name, call, effect) in crashes(&CALLS_TO_PAY) {
        paystream.inject(crash("PaymentApi", &call, effect));
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
    assert_eq!(paystream.charged().await.len(), 0);
}

#[tokio::test]
async fn a_change_is_made_once_whichever_call_its_sandbox_crashes_at() {
    let paystream = paystream().await;
    let part = json!({"amount": eur(300)});
    for (name, call, effect) in crashes(&CALLS_TO_CHANGE) {
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
            paystream.inject(crash("PaymentApi", &call, effect.clone()));
            let died = paystream.post_with_key(&path(step), &order_id, &body).await;
            assert_eq!(died.status, 502, "{order_id}: the client gets no response");
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
async fn the_relay_publishes_whichever_call_it_crashes_at() {
    let paystream = paystream().await;
    let kinesis_down =
        || Fault::new(FaultTarget::Kinesis, Effect::error("InternalFailure")).operation("PutRecord").from("PaymentApi");
    for (name, call, effect) in crashes(&CALLS_TO_RELAY) {
        paystream.inject(kinesis_down());
        paystream.inject(crash("PaymentRelay", &call, effect));
        let payment: Value = paystream.pay(&name, &eur(1299), "tok_approve").await;
        paystream.is_made_once(&name, &payment).await;
        let crashed = paystream.environment().faults().last().map(|fault| fault.struck);
        assert_eq!(crashed, Some(1), "{name}");
        paystream.heal();
    }
}
