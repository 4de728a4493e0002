//! Records and items that cannot be processed: they are visible, and hold up no other order.

use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Need, Paystream, eur, line, order_body, skip_without};
use serde_json::{Value, json};

fn tea(order_id: &str, minor: i64) -> Value {
    order_body(order_id, &[line("tea", 1, &eur(minor))])
}

/// A valid event about a declined payment.
fn declined(payment_id: &str, order_id: &str, time: &str, message: &str) -> Vec<u8> {
    let event = json!({
        "specversion": "1.0",
        "id": format!("{payment_id}:1"),
        "source": "/payments",
        "type": "payment.declined.v1",
        "subject": payment_id,
        "time": time,
        "datacontenttype": "application/json",
        "data": {
            "payment_id": payment_id,
            "order_id": order_id,
            "status": "declined",
            "amount": eur(1299),
            "captured_minor": 0,
            "refunded_minor": 0,
            "decline": {"code": "do_not_honor", "message": message},
            "version": 1,
            "created_at": "2026-11-22T20:00:00.000Z",
            "updated_at": time,
        },
    });
    event.to_string().into_bytes()
}

/// Pays orders in every shard, and waits until all payments have arrived.
async fn payments_of_other_orders_arrive(paystream: &Paystream) {
    for _ in 0..12 {
        let order_id = &paystream.name("ord");
        let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
        paystream.payment_arrives(order_id, &payment).await;
    }
}

#[tokio::test]
async fn an_event_whose_time_is_outside_the_calendar_in_utc_is_quarantined() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let poison = declined("pay_late", order_id, "9999-12-31T23:59:59.999-00:01", "No.");
    paystream.put_on_stream(order_id, &poison).await;
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    paystream.payment_arrives(order_id, &payment).await;
    assert_eq!(paystream.quarantined(order_id).await, [poison]);
    payments_of_other_orders_arrive(&paystream).await;
}

#[tokio::test]
async fn an_event_too_large_for_an_item_is_quarantined() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let poison = declined("pay_large", order_id, "2026-11-22T20:00:00.000Z", &"x".repeat(450_000));
    paystream.put_on_stream(order_id, &poison).await;
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    paystream.payment_arrives(order_id, &payment).await;
    assert!(paystream.quarantined(order_id).await == [poison]);
    payments_of_other_orders_arrive(&paystream).await;
}

#[tokio::test]
async fn an_order_with_more_bytes_of_payments_than_are_read_keeps_its_status_and_holds_up_nobody() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    paystream.post("/orders", &tea(order_id, 1299)).await.expect(202);
    // As large as a reader accepts, which is more than Payments has made since a message has a maximum.
    let message = "x".repeat(250_000);
    for first in (0..60).step_by(15) {
        let events: Vec<_> = (first..first + 15)
            .map(|n| declined(&format!("pay_{n}"), order_id, "2026-11-22T20:00:00.000Z", &message))
            .collect();
        paystream.put_all_on_stream(order_id, &events).await;
    }
    payments_of_other_orders_arrive(&paystream).await;
    Paystream::eventually("the order shows that not all its payments are read", async || {
        let order = paystream.get(&format!("/orders/{order_id}")).await.expect(200);
        assert_eq!(order["status"], "awaiting_payment");
        (order["payment"]["is_complete"] == false).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_order_of_an_unknown_status_affects_only_itself_and_is_settled_once_it_can_be_read() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    paystream.post("/orders", &tea(order_id, 1299)).await.expect(202);
    paystream.change_order(order_id, "status", "frozen").await;
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    payments_of_other_orders_arrive(&paystream).await;
    paystream.payment_arrives(order_id, &payment).await;
    Paystream::eventually("the order is visible in quarantine", async || {
        (paystream.quarantined(order_id).await.len() == 1).then_some(())
    })
    .await;
    assert!(paystream.table_text("QuarantineTable").await.contains("status must be one of"), "the reason is stored");

    paystream.change_order(order_id, "status", "awaiting_payment").await;
    assert_eq!(paystream.get(&format!("/orders/{order_id}")).await.expect(200)["status"], "accepted");
}

#[tokio::test]
async fn an_order_on_many_payments_that_have_not_arrived_is_not_put_on_hold() {
    if skip_without(&[Need::Faults]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    paystream.inject(Fault::new(FaultTarget::function("OrderProjector"), Effect::error("Cut")));
    for _ in 0..101 {
        paystream.pay("ord-1", &eur(1), "tok_approve").await;
    }
    let placed = paystream.post("/sync/orders", &tea("ord-1", 101)).await.expect(201);
    let shown = paystream.get("/orders/ord-1").await.expect(200);
    assert_eq!((&shown["status"], &shown["payment"]["payments"]), (&json!("accepted"), &json!(101)), "{placed}");
    assert_eq!(shown["payment"]["based_on"].as_array().unwrap().len(), 100);
    paystream.heal();
    Paystream::eventually("all payments have arrived", async || {
        let order = paystream.get("/orders/ord-1").await.expect(200);
        assert_eq!(order["status"], "accepted");
        (paystream.item_count("OrdersTable").await == 102).then_some(())
    })
    .await;
}
