//! What each path costs in calls, which is what a payment is billed for. The table is in docs/guarantees.md.

use paystream_local::{Effect, Fault, Target};
use paystream_tests::{Paystream, eur, payment_body};
use serde_json::{Value, json};

/// The calls that both functions of Payments made since they were last asked for.
fn calls(paystream: &Paystream) -> Value {
    let calls = serde_json::to_value(paystream.environment().calls()).unwrap();
    paystream.environment().reset_calls();
    json!({"PaymentApi": calls["PaymentApi"], "PaymentRelay": calls["PaymentRelay"]})
}

const NONE: Value = Value::Null;

#[tokio::test]
async fn a_payment_costs_three_writes_and_one_put_and_a_replay_one_call() {
    let paystream = Paystream::start().await;
    for token in ["tok_approve", "tok_decline_fraud"] {
        let body = payment_body(token, &eur(1299), token);
        calls(&paystream);
        let payment = paystream.post_with_key("/payments", token, &body).await.expect(201);
        let made = json!({"dynamodb": {"PutItem": 2, "UpdateItem": 1}, "kinesis": {"PutRecord": 1}});
        assert_eq!(calls(&paystream), json!({"PaymentApi": made, "PaymentRelay": NONE}));
        paystream.post_with_key("/payments", token, &body).await.expect(201);
        let replayed = json!({"dynamodb": {"PutItem": 1}});
        assert_eq!(calls(&paystream), json!({"PaymentApi": replayed, "PaymentRelay": NONE}));
        paystream.is_made_once(token, &payment).await;
    }
}

#[tokio::test]
async fn a_change_costs_one_read_two_writes_and_one_put_and_a_replay_one_read() {
    let paystream = Paystream::start().await;
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    for step in ["capture", "refund"] {
        let path = format!("/payments/{}/{step}", payment["payment_id"].as_str().unwrap());
        calls(&paystream);
        paystream.post_with_key(&path, step, &json!({})).await.expect(200);
        let made = json!({"dynamodb": {"GetItem": 1, "PutItem": 1, "UpdateItem": 1}, "kinesis": {"PutRecord": 1}});
        assert_eq!(calls(&paystream), json!({"PaymentApi": made, "PaymentRelay": NONE}));
        paystream.post_with_key(&path, step, &json!({})).await.expect(200);
        assert_eq!(calls(&paystream), json!({"PaymentApi": {"dynamodb": {"GetItem": 1}}, "PaymentRelay": NONE}));
    }
}

#[tokio::test]
async fn a_payment_left_to_the_relay_costs_one_more_put_and_no_more_writes() {
    let paystream = Paystream::start().await;
    // Refused for good, so that the function does not try again.
    let refused = Fault::new(Target::Kinesis, Effect::error("AccessDeniedException")).from("PaymentApi");
    paystream.inject(refused);
    calls(&paystream);
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    paystream.is_published(payment["payment_id"].as_str().unwrap()).await;
    let relayed = json!({"dynamodb": {"UpdateItem": 1}, "kinesis": {"PutRecords": 1}});
    assert_eq!(calls(&paystream), json!({"PaymentApi": {"dynamodb": {"PutItem": 2}}, "PaymentRelay": relayed}));
}
