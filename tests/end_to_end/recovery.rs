//! What was accepted arrives, whatever dies on the way.

use payment_events::Timestamp;
use payments::{Action, Caller, Lease, Outcome, PaymentRecord, PaymentRequest, PaymentStore, RequestKey, Step};
use paystream_local::{Effect, Fault, Target};
use paystream_tests::{Paystream, eur, line, order_body};

#[tokio::test]
async fn a_projector_that_is_killed_again_and_again_resumes_and_loses_nothing() {
    let paystream = Paystream::start().await;
    let mut payments = Vec::new();
    for n in 0..40 {
        let order_id = format!("ord-{n}");
        payments.push((order_id.clone(), paystream.pay(&order_id, &eur(1299), "tok_approve").await));
        // Idle, starting or in the middle of a batch: wherever it is at this moment.
        paystream.kill("OrderProjector").await;
    }
    for (order_id, payment) in &payments {
        paystream.payment_arrives(order_id, payment).await;
        let copies = paystream.get(&format!("/orders/{order_id}/payments")).await.expect(200);
        assert_eq!(copies["payments"].as_array().unwrap().len(), 1, "once, not twice: {copies}");
    }
}

#[tokio::test]
async fn a_payment_that_was_stored_and_never_published_is_published_by_the_relay() {
    let paystream = Paystream::start().await;
    paystream.post("/orders", &order_body("ord-1", &[line("tea", 1, &eur(1299))])).await.expect(202);

    // What payment-api leaves behind when it dies right after it has stored the processor's answer.
    let request = PaymentRequest {
        caller: Caller::named(None),
        key: "key-1".parse().unwrap(),
        order_id: "ord-1".parse().unwrap(),
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

    paystream.order_becomes("ord-1", "accepted").await;
    Paystream::eventually("the mark is cleared", async || {
        let record = table.load(&decided.payment.payment_id).await.unwrap()?;
        (!record.unpublished).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_api_that_is_killed_answers_again() {
    let paystream = Paystream::start().await;
    paystream.pay("ord-1", &eur(1), "tok_approve").await;
    paystream.kill("PaymentApi").await;
    paystream.kill("OrderApi").await;
    let payment = paystream.pay("ord-1", &eur(2), "tok_approve").await;
    paystream.payment_arrives("ord-1", &payment).await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_set_aside_and_holds_up_nobody() {
    let paystream = Paystream::start().await;
    // Of the same order as the payment, and so in front of it in the same shard.
    for poison in [&b"\xff\xfe no event"[..], b"{}", br#"{"specversion":"1.0","id":"x","type":"payment.captured.v9"}"#]
    {
        paystream.put_on_stream("ord-1", poison).await;
    }
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    paystream.payment_arrives("ord-1", &payment).await;
    assert_eq!(paystream.item_count("QuarantineTable").await, 3);
    assert_eq!(paystream.environment().failures().failures.len(), 0);
}

#[tokio::test]
async fn a_record_whose_setting_aside_is_interrupted_by_a_death_is_whole_in_the_end() {
    let paystream = Paystream::start().await;
    // Three parts: the projector dies when the second is written, which leaves the first to its successor.
    let death = Fault::new(Target::DynamoDb, Effect::kill_after()).operation("PutItem").from("OrderProjector");
    paystream.inject(death.skip(1).count(1));
    let record: Vec<u8> = (0xf8..=0xff).cycle().take(1_000_000).collect();
    paystream.put_on_stream("ord-1", &record).await;
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    paystream.payment_arrives("ord-1", &payment).await;
    assert_eq!(paystream.environment().faults()[0].struck, 1);
    assert_eq!(paystream.item_count("QuarantineTable").await, 3);
    assert!(paystream.quarantined().await == [record]);
}
