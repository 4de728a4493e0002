//! Calls that take effect while their response is lost: the SDK retries them, and the function recognises its own
//! write.

use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Paystream, eur, payment_body};
use serde_json::json;

fn lost(from: &str, target: FaultTarget, operation: &str, skip: u64) -> Fault {
    Fault::new(target, Effect::reset_after()).operation(operation).from(from).skip(skip).count(1)
}

#[tokio::test]
async fn a_payment_succeeds_on_the_first_request_whichever_response_its_function_loses() {
    let paystream = Paystream::start().await;
    for (target, operation, skip) in [
        (FaultTarget::DynamoDb, "PutItem", 0),
        (FaultTarget::DynamoDb, "PutItem", 1),
        (FaultTarget::Kinesis, "PutRecord", 0),
        (FaultTarget::DynamoDb, "UpdateItem", 0),
    ] {
        let order_id = format!("{operation}-{skip}");
        paystream.inject(lost("PaymentApi", target, operation, skip));
        let body = payment_body(&order_id, &eur(1299), "tok_approve");
        let answer = paystream.post_with_key("/payments", &order_id, &body).await;
        assert!(!answer.headers.contains_key("idempotent-replayed"), "{order_id}: this request made the payment");
        let payment = answer.expect(201);
        paystream.is_made_once(&order_id, &payment).await;
        assert_eq!(paystream.environment().faults()[0].struck, 1, "{order_id}");
        paystream.heal();
    }
    assert_eq!(paystream.charged().await.len(), 4);
}

#[tokio::test]
async fn a_change_succeeds_on_the_first_request_whichever_response_its_function_loses() {
    let paystream = Paystream::start().await;
    for (target, operation) in [
        (FaultTarget::DynamoDb, "GetItem"),
        (FaultTarget::DynamoDb, "PutItem"),
        (FaultTarget::Kinesis, "PutRecord"),
        (FaultTarget::DynamoDb, "UpdateItem"),
    ] {
        let payment = paystream.pay(operation, &eur(1299), "tok_approve").await;
        let path = format!("/payments/{}/capture", payment["payment_id"].as_str().unwrap());
        paystream.inject(lost("PaymentApi", target, operation, 0));
        // Without an idempotency key, the function recognises its write only by the step it stored.
        let captured = paystream.post_without_key(&path, "{}").await.expect(200);
        assert_eq!((&captured["status"], &captured["version"]), (&json!("captured"), &json!(2)));
        paystream.is_made_once(operation, &captured).await;
        assert_eq!(paystream.environment().faults()[0].struck, 1, "{operation}");
        paystream.heal();
    }
}

#[tokio::test]
async fn the_relay_publishes_whichever_response_it_loses() {
    let paystream = Paystream::start_with_parameters(&[("RelayWindowSeconds", "0")]).await;
    for (target, operation) in [(FaultTarget::Kinesis, "PutRecords"), (FaultTarget::DynamoDb, "UpdateItem")] {
        let kinesis_down = Fault::new(FaultTarget::Kinesis, Effect::error("InternalFailure")).operation("PutRecord");
        paystream.inject(kinesis_down);
        paystream.inject(lost("PaymentRelay", target, operation, 0));
        let payment = paystream.pay(operation, &eur(1299), "tok_approve").await;
        paystream.is_made_once(operation, &payment).await;
        assert_eq!(paystream.environment().faults()[1].struck, 1, "{operation}");
        paystream.heal();
    }
}

#[tokio::test]
async fn a_response_that_the_client_did_not_get_is_replayed() {
    let paystream = Paystream::start().await;
    paystream.inject(Fault::new(FaultTarget::function("PaymentApi"), Effect::reset_after()).count(1));
    let body = payment_body("ord-1", &eur(1299), "tok_approve");
    assert_eq!(paystream.post_with_key("/payments", "key-1", &body).await.status, 502);
    let again = paystream.post_with_key("/payments", "key-1", &body).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    paystream.is_made_once("ord-1", &again.expect(201)).await;
}
