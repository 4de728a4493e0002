//! Calls to DynamoDB and Kinesis on each path of Payments, which AWS bills. The table is in docs/guarantees.md.
//! One put of each payment is the simulated processor's, in a table of its own.

use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Paystream, eur, payment_body};
use serde_json::{Value, json};

/// Maximum attempts until the cost is as expected. On a busy machine the SDK may retry a call; a path that always costs
/// more still fails.
const TRIES: u32 = 10;

/// Calls that both functions of Payments made since the last reset. Resets the counters.
fn calls(paystream: &Paystream) -> Value {
    let calls = serde_json::to_value(paystream.environment().calls()).unwrap();
    paystream.environment().reset_calls();
    json!({"PaymentApi": calls["PaymentApi"], "PaymentRelay": calls["PaymentRelay"]})
}

/// Checks the calls that `act` causes. `act` gets a new number each time, to act on something new.
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
        let made = json!({"dynamodb": {"PutItem": 3, "UpdateItem": 1}, "kinesis": {"PutRecord": 1}});
        assert_costs(&paystream, made, Value::Null, pay).await;
        let replayed = json!({"dynamodb": {"PutItem": 1}});
        assert_costs(&paystream, replayed, Value::Null, async |_| pay(0).await).await;
    }
}

#[tokio::test]
async fn a_change_costs_one_read_two_writes_and_one_put_a_refusal_one_of_each_and_a_replay_one_read() {
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
    assert_costs(&paystream, replayed.clone(), Value::Null, async |_| refund(0).await).await;
    let void = async |n: u32| {
        let answer = paystream.post_with_key(&path("void"), &format!("void-{n}"), &json!({})).await;
        answer.expect_problem(409, "illegal-transition");
    };
    assert_costs(&paystream, json!({"dynamodb": {"GetItem": 1, "UpdateItem": 1}}), Value::Null, void).await;
    assert_costs(&paystream, replayed, Value::Null, async |_| void(0).await).await;
}

#[tokio::test]
async fn a_payment_left_to_the_relay_costs_one_put_by_the_relay_and_no_more_writes() {
    let paystream = Paystream::start().await;
    // A permanent error, which the SDK does not retry.
    paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::error("AccessDeniedException")).from("PaymentApi"));
    let relayed = json!({"dynamodb": {"UpdateItem": 1}, "kinesis": {"PutRecords": 1}});
    assert_costs(&paystream, json!({"dynamodb": {"PutItem": 3}}), relayed, async |_| {
        let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
        paystream.is_published(payment["payment_id"].as_str().unwrap()).await;
    })
    .await;
}
