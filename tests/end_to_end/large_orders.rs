//! Orders with more payments than a page holds, and than settlement considers.

use std::collections::BTreeSet;

use payment_events::{PaymentEvent, PaymentInfo};
use paystream_tests::{Need, Paystream, eur, line, order_body, payment_body, skip_without};
use serde_json::{Value, json};

/// More payments than settlement considers (`orders::PAYMENTS_MAX`).
const TOO_MANY: usize = 1_050;

fn ids(payments: &[Value]) -> Vec<&str> {
    payments.iter().map(|payment| payment["payment_id"].as_str().unwrap()).collect()
}

/// The payment as another one, of this order.
fn event(payment: &Value, order_id: &str, payment_id: &str) -> Vec<u8> {
    let payment: PaymentInfo = serde_json::from_value(payment.clone()).unwrap();
    let (order_id, payment_id) = (order_id.parse().unwrap(), payment_id.parse().unwrap());
    PaymentEvent::new(PaymentInfo { order_id, payment_id, ..payment }, None).unwrap().encode()
}

#[tokio::test]
async fn an_order_with_too_many_payments_keeps_its_status_and_blocks_no_other_order() {
    if skip_without(&[Need::Log, Need::Kinesis]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    let payment = paystream.pay("ord-many", &eur(1), "tok_approve").await;
    paystream.payment_arrives("ord-many", &payment).await;
    paystream.copy_payment(&payment, TOO_MANY).await;
    // No payments that are considered cover it, but those that are not might.
    let dear = order_body("ord-many", &[line("tea", 1, &eur(1_000_000))]);
    let placed = paystream.post("/orders", &dear).await.expect(202);
    assert_eq!(placed["payment"]["is_complete"], false);
    let order = order_body("ord-1", &[line("tea", 1, &eur(1))]);
    paystream.post("/orders", &order).await.expect(202);

    // One call under one partition key arrives as one batch.
    let (many, one) = (event(&payment, "ord-many", "pay_many"), event(&payment, "ord-1", "pay_one"));
    paystream.put_all_on_stream("ord-many", &[many, one]).await;
    // Not by reading the order, which would settle it as well.
    Paystream::eventually("the projector settles the other order", async || {
        let settled = |line: &String| line.contains("order-projector") && line.contains("order ord-1 changed");
        paystream.log_lines().iter().any(settled).then_some(())
    })
    .await;
    paystream.order_becomes("ord-1", "accepted").await;
    let kept = paystream.get("/orders/ord-many").await.expect(200);
    let payment_of_order = &kept["payment"];
    assert_eq!((&kept["status"], &kept["revision"]), (&placed["status"], &placed["revision"]));
    assert_eq!((&payment_of_order["is_complete"], &payment_of_order["payments"]), (&json!(false), &json!(1_000)));

    // Synchronous mode is told that there are more, too.
    let again = paystream.post("/sync/orders", &dear).await.expect(200);
    assert_eq!((&again["status"], &again["payment"]["is_complete"]), (&placed["status"], &json!(false)));

    // The lists have every payment once: the copies, the first payment, and at Orders the one that was sent.
    for (path, count) in [("/payments?order_id=ord-many", TOO_MANY + 1), ("/orders/ord-many/payments", TOO_MANY + 2)] {
        let pages = paystream.pages(path).await;
        assert!(pages.iter().all(|page| page.len() <= 100));
        let payments = pages.concat();
        let ids = ids(&payments);
        assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (count, count), "{path}");
        assert!(ids.is_sorted(), "{path}");
    }
}

#[tokio::test]
async fn every_payment_is_listed_once_while_others_are_made() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let pay = async || paystream.post("/payments", &payment_body(order_id, &eur(1), "tok_approve")).await.expect(201);
    let mut first_ones = Vec::new();
    for _ in 0..6 {
        let payment = pay().await;
        paystream.payment_arrives(order_id, &payment).await;
        first_ones.push(payment["payment_id"].as_str().unwrap().to_owned());
    }
    for list in ["/payments", &format!("/orders/{order_id}/payments")] {
        let (mut found, mut query) = (Vec::new(), format!("?order_id={order_id}&limit=2"));
        if list != "/payments" {
            query = "?limit=2".to_owned();
        }
        loop {
            let page = paystream.get(&format!("{list}{query}")).await.expect(200);
            found.extend(ids(page["payments"].as_array().unwrap()).into_iter().map(str::to_owned));
            let Some(next) = page["next"].as_str() else { break };
            query = next.to_owned();
            if found.len() < 6 {
                let payment = pay().await;
                paystream.payment_arrives(order_id, &payment).await;
            }
        }
        assert!(found.is_sorted_by(|a, b| a < b), "{list}: each once");
        assert!(first_ones.iter().all(|payment_id| found.contains(payment_id)), "{list}");
    }
}
