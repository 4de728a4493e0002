//! DynamoDB calls that the projector makes for one batch.

use payment_events::{PaymentEvent, PaymentInfo, PaymentStatus, Timestamp};
use paystream_local::Service;
use paystream_tests::{Need, Paystream, eur, line, order_body, skip_without};

fn payment(order_id: &str, payment_id: &str, version: u64) -> PaymentInfo {
    let now = Timestamp::now();
    let captured = version > 1;
    PaymentInfo {
        payment_id: payment_id.parse().unwrap(),
        order_id: order_id.parse().unwrap(),
        amount: serde_json::from_value(eur(500)).unwrap(),
        status: if captured { PaymentStatus::Captured } else { PaymentStatus::Authorized },
        captured_minor: if captured { 500 } else { 0 },
        refunded_minor: 0,
        decline: None,
        version,
        created_at: now,
        updated_at: now,
    }
}

#[tokio::test]
async fn a_batch_writes_each_payment_once_and_looks_up_all_orders_in_one_call() {
    if skip_without(&[Need::Calls, Need::Kinesis]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    paystream.post("/orders", &order_body("ord-1", &[line("tea", 1, &eur(5_000))])).await.expect(202);
    paystream.environment().reset_calls();
    let mut records = Vec::new();
    for _ in 0..50 {
        for (order_id, payment_id) in [("ord-1", "pay_1"), ("ord-1", "pay_2"), ("ord-2", "pay_3")] {
            for version in [1, 2] {
                records.push(PaymentEvent::new(payment(order_id, payment_id, version), None).unwrap().encode());
            }
        }
    }
    // One call under one partition key arrives as one batch.
    paystream.put_all_on_stream("ord-1", &records).await;
    Paystream::eventually("the batch is handled", async || {
        let status = paystream.environment().status().await;
        let handled: u64 = status.event_sources.values().map(|source| source.records).sum();
        (handled == 300).then_some(())
    })
    .await;
    let calls = paystream.environment().calls();
    let count = |operation| calls.count("OrderProjector", Service::DynamoDb, operation);
    assert_eq!(count("PutItem"), 3, "one for each payment");
    assert_eq!(count("BatchGetItem"), 1, "for all orders together");
    assert_eq!(count("Query"), 1, "for the placed order");
    for (order_id, payments) in [("ord-1", 2), ("ord-2", 1)] {
        let copies = paystream.get(&format!("/orders/{order_id}/payments")).await.expect(200);
        let copies = copies["payments"].as_array().unwrap();
        assert_eq!(copies.len(), payments);
        assert!(copies.iter().all(|copy| copy["version"] == 2), "{copies:?}");
    }
}
