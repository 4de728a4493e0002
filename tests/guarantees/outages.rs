//! Service outages: payments accepted during an outage arrive after it.

use futures::future::join_all;
use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Paystream, eur, payment_body};

#[tokio::test]
async fn payments_accepted_while_kinesis_is_down_all_arrive_afterwards() {
    let paystream = Paystream::start_with_parameters(&[("RelayWindowSeconds", "0")]).await;
    paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::error("ServiceUnavailable")));
    // Several payments per order, so that the relay has to preserve their sequence.
    let orders: Vec<_> = (0..40).map(|n| format!("ord-{}", n % 15)).collect();
    let pay = |order_id: &String| {
        let body = payment_body(order_id, &eur(1299), "tok_approve");
        let paystream = &paystream;
        async move { paystream.post("/payments", &body).await.expect(201) }
    };
    let payments = join_all(orders.iter().map(pay)).await;
    for order_id in &orders {
        let copies = paystream.get(&format!("/orders/{order_id}/payments")).await.expect(200);
        assert_eq!(copies["payments"].as_array().map(Vec::len), Some(0), "Kinesis is down");
    }
    // It recovers gradually: the first calls of PutRecords fail partially.
    paystream.heal();
    let partly = Fault::new(FaultTarget::Kinesis, Effect::Partial(0.5)).operation("PutRecords").count(3).seed(7);
    paystream.inject(partly);
    for (order_id, payment) in orders.iter().zip(&payments) {
        paystream.payment_arrives(order_id, payment).await;
    }
    assert_eq!(paystream.charged().await.len(), payments.len());
    assert_eq!(paystream.environment().failures().failures.len(), 0, "no batch went to the on-failure destination");
}

#[tokio::test]
async fn after_changes_accepted_while_kinesis_is_down_the_newest_state_arrives() {
    let paystream = Paystream::start_with_parameters(&[("RelayWindowSeconds", "0")]).await;
    paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::reset_before()));
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    let path = |step| format!("/payments/{}/{step}", payment["payment_id"].as_str().unwrap());
    paystream.post_with_key(&path("capture"), "capture", &serde_json::json!({})).await.expect(200);
    let part = serde_json::json!({"amount": eur(300)});
    let refunded = paystream.post_with_key(&path("refund"), "refund", &part).await.expect(200);
    paystream.heal();
    paystream.is_made_once("ord-1", &refunded).await;
}

#[tokio::test]
async fn while_its_table_is_down_payments_responds_503_and_leaves_nothing_half_made() {
    let paystream = Paystream::start().await;
    paystream.inject(Fault::new(FaultTarget::DynamoDb, Effect::error("InternalServerError")).from("PaymentApi"));
    let body = payment_body("ord-1", &eur(1299), "tok_approve");
    let refused = paystream.post_once("/payments", "key-1", &body).await;
    // It is unknown if the payment was begun, and then another request has to wait for its lease.
    let retry_after_s: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=10).contains(&retry_after_s), "{retry_after_s}");
    refused.expect_problem(503, "unavailable");
    paystream.heal();
    assert_eq!(paystream.item_count("PaymentsTable").await, 0);
    let payment = paystream.insist("/payments", "key-1", &body).await.expect(201);
    paystream.is_made_once("ord-1", &payment).await;
}

#[tokio::test]
async fn the_relay_retries_raising_the_outbox_position() {
    let paystream = Paystream::start_with_parameters(&[("RelayWindowSeconds", "0")]).await;
    paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::error("AccessDeniedException")).from("PaymentApi"));
    // More failures than the SDK's attempts for one call.
    let table_down =
        Fault::new(FaultTarget::DynamoDb, Effect::reset_before()).operation("UpdateItem").from("PaymentRelay");
    paystream.inject(table_down.count(7));
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    paystream.is_made_once("ord-1", &payment).await;
    assert_eq!(paystream.environment().faults()[1].struck, 7);
}
