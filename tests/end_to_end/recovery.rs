//! Recovery from crashes and undecodable records: every accepted payment still arrives.

use std::collections::BTreeSet;

use payment_events::Timestamp;
use payments::{Action, Caller, Lease, Outcome, PaymentRecord, PaymentRequest, PaymentStore, RequestKey, Step};
use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Need, Paystream, eur, line, order_body, skip_without};

#[tokio::test]
async fn a_projector_that_is_killed_repeatedly_loses_and_duplicates_nothing() {
    if skip_without(&[Need::Kill]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    let mut payments = Vec::new();
    for n in 0..40 {
        let order_id = format!("ord-{n}");
        payments.push((order_id.clone(), paystream.pay(&order_id, &eur(1299), "tok_approve").await));
        // It may be idle, starting or in the middle of a batch.
        paystream.kill("OrderProjector").await;
    }
    for (order_id, payment) in &payments {
        paystream.payment_arrives(order_id, payment).await;
        let copies = paystream.get(&format!("/orders/{order_id}/payments")).await.expect(200);
        assert_eq!(copies["payments"].as_array().unwrap().len(), 1, "once, not twice: {copies}");
    }
}

#[tokio::test]
async fn the_relay_publishes_a_payment_that_was_stored_but_not_published() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    paystream.post("/orders", &order_body(order_id, &[line("tea", 1, &eur(1299))])).await.expect(202);

    // The state payment-api leaves if it crashes right after storing the processor's decision.
    let request = PaymentRequest {
        caller: Caller::named(None),
        key: paystream.name("key").parse().unwrap(),
        order_id: order_id.parse().unwrap(),
        amount: serde_json::from_value(eur(1299)).unwrap(),
        token: "tok_approve".parse().unwrap(),
        trace_parent: None,
    };
    let now = Timestamp::now();
    let lease = Lease { until: now, attempt: 1, holder: RequestKey::random() };
    let begun = PaymentRecord::begin(&request, request.payment_id().unwrap(), lease, now);
    let step = Step { key: begun.lease.holder.clone(), action: Action::Decide(Outcome::Approved), at: now };
    let decided = begun.after(step, None).unwrap();
    let table = paystream.payments_table();
    table.begin(&begun).await.unwrap();
    table.replace(&begun, &decided).await.unwrap();

    paystream.order_becomes(order_id, "accepted").await;
    paystream.is_published(decided.payment.payment_id.as_str()).await;
}

#[tokio::test]
async fn a_killed_api_serves_the_next_request() {
    if skip_without(&[Need::Kill]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    paystream.pay(order_id, &eur(1), "tok_approve").await;
    paystream.kill("PaymentApi").await;
    paystream.kill("OrderApi").await;
    let payment = paystream.pay(order_id, &eur(2), "tok_approve").await;
    paystream.payment_arrives(order_id, &payment).await;
}

#[tokio::test]
async fn an_undecodable_record_is_quarantined_and_does_not_block_its_shard() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    // Same partition key as the payment, so these records precede it in the same shard.
    let poison = [&b"\xff\xfe no event"[..], b"{}", br#"{"specversion":"1.0","id":"x","type":"payment.captured.v9"}"#];
    for record in poison {
        paystream.put_on_stream(order_id, record).await;
    }
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    paystream.payment_arrives(order_id, &payment).await;
    let quarantined: BTreeSet<_> = paystream.quarantined(order_id).await.into_iter().collect();
    assert_eq!(quarantined, poison.into_iter().map(<[u8]>::to_vec).collect());
}

#[tokio::test]
async fn a_quarantine_write_that_a_crash_interrupts_is_completed() {
    if skip_without(&[Need::Faults]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    // The record has three parts, and part 0 is written last. The projector crashes before that, so its successor
    // writes it.
    let crash = Fault::new(FaultTarget::DynamoDb, Effect::kill_after()).operation("PutItem").from("OrderProjector");
    paystream.inject(crash.skip(1).count(1));
    let record: Vec<u8> = (0xf8..=0xff).cycle().take(1_000_000).collect();
    paystream.put_on_stream(order_id, &record).await;
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    paystream.payment_arrives(order_id, &payment).await;
    assert_eq!(paystream.environment().faults()[0].struck, 1);
    assert_eq!(paystream.item_count("QuarantineTable").await, 3);
    assert!(paystream.quarantined(order_id).await == [record]);
    assert_eq!(paystream.environment().failures().failures.len(), 0, "no batch went to the on-failure destination");
}
