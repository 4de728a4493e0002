//! Payments whose clients never come back (guarantee 9): whatever their requests died or failed at, they are decided, and
//! the processor holds the amounts of authorized payments and no others.

mod schedules;

use std::collections::BTreeMap;

use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Paystream, eur, payment_body};
use serde_json::{Value, json};

/// Parameters with a recovery that does not let tests wait.
const PARAMETERS: [(&str, &str); 4] = [
    ("PaymentLeaseMs", "200"),
    ("RelayWindowSeconds", "0"),
    ("RecoveryWindowSeconds", "0"),
    ("RecoveryDelaySeconds", "0"),
];

/// The calls of `payment-api` until it has decided a payment: begin, authorize, decide.
const CALLS_TO_DECIDE: [&str; 3] = ["begin", "authorize", "decide"];

/// The calls of `payment-recovery` for a payment that the processor does not know: load, look up, and the writes that mark
/// the payment, void its key and decline the payment.
const CALLS_TO_RECOVER: [(&str, u64); 5] =
    [("GetItem", 0), ("GetItem", 1), ("PutItem", 0), ("PutItem", 1), ("PutItem", 2)];

fn moments() -> [(&'static str, Effect); 2] {
    [("before", Effect::kill_before()), ("after", Effect::kill_after())]
}

/// A fault that kills the process which makes this call, once.
fn crash(from: &str, operation: &str, skip: u64, effect: &Effect) -> Fault {
    Fault::new(FaultTarget::DynamoDb, effect.clone()).operation(operation).from(from).skip(skip).count(1)
}

/// Payments of an order that are not processing, once there are none that are.
async fn decided(paystream: &Paystream, order_id: &str) -> Vec<Value> {
    Paystream::eventually(&format!("the payments of {order_id} are decided"), async || {
        let page = paystream.get(&format!("/payments?order_id={order_id}")).await;
        let payments = (page.status == 200).then(|| page.expect(200)["payments"].as_array().cloned())??;
        payments.iter().all(|payment| payment["status"] != "processing").then_some(payments)
    })
    .await
}

/// Checks the raw payments table against the raw table of the processor, and both against the raw stream: each payment is
/// decided, the amount is held if it is authorized and not otherwise, and each version is published.
async fn processor_and_hub_agree(paystream: &Paystream) {
    let payments = Paystream::eventually("no payment is processing", async || {
        let payments = paystream.statuses().await;
        payments.values().all(|(status, _)| status != "processing").then_some(payments)
    })
    .await;
    let charges = paystream.charges().await;
    for (payment_id, (status, decline)) in &payments {
        let expected: &[Option<&str>] = match (status.as_str(), decline.as_deref()) {
            ("authorized", None) => &[Some("approved")],
            ("declined", Some("not_completed")) => &[Some("voided")],
            ("declined", Some(_)) => &[Some("declined")],
            _ => &[],
        };
        let charge = charges.get(payment_id).map(String::as_str);
        assert!(expected.contains(&charge), "{payment_id} is {status} ({decline:?}), and its charge {charge:?}");
    }
    let unknown: BTreeMap<_, _> = charges.iter().filter(|(key, _)| !payments.contains_key(*key)).collect();
    assert!(unknown.is_empty(), "charges without a payment: {unknown:?}");
    assert_eq!(paystream.payment_versions().await.len(), payments.len(), "each payment has a version to publish");
    paystream.every_version_is_published_in_order().await;
    assert_eq!(paystream.environment().failures().failures.len(), 0, "no batch went to the on-failure destination");
    assert_eq!(paystream.item_count("PaymentsQuarantineTable").await, 0, "no image was quarantined");
}

#[tokio::test]
async fn a_payment_is_decided_whichever_call_its_request_died_at() {
    let paystream = Paystream::start_with_parameters(&PARAMETERS).await;
    for (call, skip) in CALLS_TO_DECIDE.into_iter().zip(0..) {
        for (moment, effect) in moments() {
            let order_id = format!("{moment}-{call}");
            paystream.inject(crash("PaymentApi", "PutItem", skip, &effect));
            let body = payment_body(&order_id, &eur(1299), "tok_approve");
            let died = paystream.post_once("/payments", &order_id, &body).await;
            assert_eq!(died.status, 502, "{order_id}: the client gets no response");
            let faults = paystream.environment().faults();
            assert!(faults.iter().all(|fault| fault.struck == 1), "{order_id}: {faults:?}");
            paystream.heal();
            let payments = decided(&paystream, &order_id).await;
            let found: Vec<_> =
                payments.iter().map(|payment| (&payment["status"], &payment["decline"]["code"])).collect();
            let expected: &[(&Value, &Value)] = match (call, moment) {
                ("begin", "before") => &[],
                ("begin", "after") | ("authorize", "before") => &[(&json!("declined"), &json!("not_completed"))],
                _ => &[(&json!("authorized"), &Value::Null)],
            };
            assert_eq!(found, expected, "{order_id}");
            for payment in &payments {
                paystream.payment_arrives(&order_id, payment).await;
            }
        }
    }
    processor_and_hub_agree(&paystream).await;
}

#[tokio::test]
async fn a_payment_is_decided_whichever_call_its_recovery_died_at() {
    let paystream = Paystream::start_with_parameters(&PARAMETERS).await;
    for (operation, skip) in CALLS_TO_RECOVER {
        for (moment, effect) in moments() {
            let order_id = format!("{moment}-{operation}-{skip}");
            paystream.inject(crash("PaymentApi", "PutItem", 1, &Effect::kill_before()));
            paystream.inject(crash("PaymentRecovery", operation, skip, &effect));
            paystream.post_once("/payments", &order_id, &payment_body(&order_id, &eur(1299), "tok_approve")).await;
            let [payment] = &decided(&paystream, &order_id).await[..] else { panic!("{order_id}: one payment") };
            assert_eq!(payment["decline"]["code"], "not_completed", "{order_id}");
            let faults = paystream.environment().faults();
            assert!(faults.iter().all(|fault| fault.struck == 1), "{order_id}: {faults:?}");
            paystream.heal();
        }
    }
    processor_and_hub_agree(&paystream).await;
}

/// The client comes back after its payment was decided.
#[tokio::test]
async fn a_client_that_comes_back_gets_the_decision_of_the_recovery() {
    let paystream = Paystream::start_with_parameters(&PARAMETERS).await;
    for (skip, status) in [(1, "declined"), (2, "authorized")] {
        let body = payment_body(status, &eur(1299), "tok_approve");
        paystream.inject(crash("PaymentApi", "PutItem", skip, &Effect::kill_before()));
        assert_eq!(paystream.post_once("/payments", status, &body).await.status, 502);
        let [decided] = &decided(&paystream, status).await[..] else { panic!("{status}: one payment") };
        let answer = paystream.post_once("/payments", status, &body).await;
        assert_eq!(answer.headers["idempotent-replayed"], "true");
        assert_eq!((answer.expect(201), &decided["status"]), (decided.clone(), &json!(status)));
    }
    processor_and_hub_agree(&paystream).await;
}
