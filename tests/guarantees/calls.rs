//! What each path costs in calls, which is what a payment is billed for. The table is in docs/guarantees.md.

use paystream_local::{Effect, Fault, Target};
use paystream_tests::{Paystream, eur, payment_body};
use serde_json::{Value, json};

/// How often something is done until it has cost what it should. A machine that is busy with other things makes a function
/// try a call again; what always costs more never passes.
const TRIES: u32 = 10;

/// The calls that both functions of Payments made since they were last asked for.
fn calls(paystream: &Paystream) -> Value {
    let calls = serde_json::to_value(paystream.environment().calls()).unwrap();
    paystream.environment().reset_calls();
    json!({"PaymentApi": calls["PaymentApi"], "PaymentRelay": calls["PaymentRelay"]})
}

/// Checks what it costs Payments to do something, of which `act` makes a new one each time.
async fn assert_costs(paystream: &Paystream, payment_api: Value, payment_relay: Value, act: impl AsyncFn(u32)) {
    let expected = json!({"PaymentApi": payment_api, "PaymentRelay": payment_relay});
    let mut cost = Value::Null;
    for n in 0..TRIES {
        calls(paystream);
        act(n).await;
        cost = calls(paystream);
        if cost == expected {
            return;
        }
    }
    assert_eq!(cost, expected);
}

#[tokio::test]
async fn a_payment_costs_three_writes_and_one_put_and_a_replay_one_call() {
    let paystream = Paystream::start().await;
    for token in ["tok_approve", "tok_decline_fraud"] {
        let pay = async |n: u32| {
            let body = payment_body("ord-1", &eur(1299), token);
            paystream.post_with_key("/payments", &format!("{token}-{n}"), &body).await.expect(201);
        };
        let made = json!({"dynamodb": {"PutItem": 2, "UpdateItem": 1}, "kinesis": {"PutRecord": 1}});
        assert_costs(&paystream, made, Value::Null, pay).await;
        let replayed = json!({"dynamodb": {"PutItem": 1}});
        assert_costs(&paystream, replayed, Value::Null, async |_| pay(0).await).await;
    }
}

#[tokio::test]
async fn a_change_costs_one_read_two_writes_and_one_put_and_a_replay_one_read() {
    let paystream = Paystream::start().await;
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    let path = |step| format!("/payments/{}/{step}", payment["payment_id"].as_str().unwrap());
    paystream.post_with_key(&path("capture"), "capture", &json!({})).await.expect(200);
    let refund = async |n: u32| {
        let part = json!({"amount": eur(1)});
        paystream.post_with_key(&path("refund"), &format!("refund-{n}"), &part).await.expect(200);
    };
    let made = json!({"dynamodb": {"GetItem": 1, "PutItem": 1, "UpdateItem": 1}, "kinesis": {"PutRecord": 1}});
    assert_costs(&paystream, made, Value::Null, refund).await;
    let replayed = json!({"dynamodb": {"GetItem": 1}});
    assert_costs(&paystream, replayed, Value::Null, async |_| refund(0).await).await;
}

#[tokio::test]
async fn a_payment_left_to_the_relay_costs_one_put_of_the_relays_and_no_more_writes() {
    let paystream = Paystream::start().await;
    // Refused for good, so that the function does not try again.
    paystream.inject(Fault::new(Target::Kinesis, Effect::error("AccessDeniedException")).from("PaymentApi"));
    let relayed = json!({"dynamodb": {"UpdateItem": 1}, "kinesis": {"PutRecords": 1}});
    assert_costs(&paystream, json!({"dynamodb": {"PutItem": 2}}), relayed, async |_| {
        let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
        paystream.is_published(payment["payment_id"].as_str().unwrap()).await;
    })
    .await;
}
