//! Operator access to the tables of Orders, against the DynamoDB emulator over a real socket.
#![allow(missing_docs, clippy::unwrap_used)]

mod emulator;

use aws_sdk_dynamodb::types::AttributeValue;
use emulator::ORDERS_TABLE;
use orders::testing::samples::{at, authorized, captured, euros, request, stored};
use orders::{Evidence, Order, OrderStore, PaymentCopies, Stored};
use orders_aws::{Copies, OrdersScan, OrdersTable, ScannedItem};
use payment_events::{OrderId, PaymentId};

/// Page size that does not divide the number of items, so that the last page is not full.
const PAGE: i32 = 7;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

#[tokio::test]
async fn a_scan_returns_every_order_and_payment_once_and_names_undecodable_items() {
    let client = emulator::start().await;
    let table = OrdersTable::new(client.clone(), ORDERS_TABLE);
    let order = Order::place(request("ord-1", euros(1_000)), Evidence::copies(&[]), at());
    table.insert(&order).await.unwrap();
    let copies: Vec<_> = (0..20).map(|n| stored(authorized(&format!("pay_{n:02}"), euros(1_000)))).collect();
    for copy in &copies {
        table.put_if_newer(copy).await.unwrap();
    }
    for item in ["payment#pay_odd", "note#of-a-later-kind"] {
        let put = client.put_item().table_name(ORDERS_TABLE).item("order_id", text("ord-1"));
        put.item("item", text(item)).send().await.unwrap();
    }
    let mut scan = OrdersScan::new(client, ORDERS_TABLE, PAGE);
    let (mut orders, mut seen, mut odd) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(page) = scan.next_page().await.unwrap() {
        assert!(page.len() <= usize::try_from(PAGE).unwrap());
        for item in page {
            match item {
                Ok(ScannedItem::Order(order)) => orders.push(*order),
                Ok(ScannedItem::Copy(copy)) => seen.push(*copy),
                Err(item) => odd.push((item.order_id.clone(), item.payment_id().map(str::to_owned))),
            }
        }
    }
    seen.sort_by(|a, b| a.payment.payment_id.cmp(&b.payment.payment_id));
    assert_eq!((orders, seen), (vec![order], copies));
    assert_eq!(odd, [("ord-1".to_owned(), Some("pay_odd".to_owned()))]);
}

#[tokio::test]
async fn a_lowered_payment_is_replaced_by_the_event_of_its_version() {
    let client = emulator::start().await;
    let (table, copies) = (OrdersTable::new(client.clone(), ORDERS_TABLE), Copies::new(client, ORDERS_TABLE));
    let (order_id, payment_id): (OrderId, PaymentId) = ("ord-1".parse().unwrap(), "pay_1".parse().unwrap());
    assert_eq!(copies.load(&order_id, &payment_id).await.unwrap(), None);
    copies.lower(&order_id, &payment_id, 1, 0).await.unwrap();
    assert_eq!(copies.load(&order_id, &payment_id).await.unwrap(), None, "a missing payment is not created");

    let truth = stored(captured(&authorized("pay_1", euros(1_000)), 1_000, 0));
    let wrong = stored(captured(&authorized("pay_1", euros(1_000)), 900, 0));
    table.put_if_newer(&wrong).await.unwrap();
    assert_eq!(table.put_if_newer(&truth).await.unwrap(), Stored::Stale);
    copies.lower(&order_id, &payment_id, 1, 0).await.unwrap();
    assert_eq!(copies.load(&order_id, &payment_id).await.unwrap().as_ref(), Some(&wrong), "the stored version differs");
    copies.lower(&order_id, &payment_id, 2, 1).await.unwrap();
    assert_eq!(table.put_if_newer(&truth).await.unwrap(), Stored::Newer);
    assert_eq!(copies.load(&order_id, &payment_id).await.unwrap().as_ref(), Some(&truth));

    copies.delete(&order_id, &payment_id, 1).await.unwrap();
    assert_eq!(copies.load(&order_id, &payment_id).await.unwrap(), Some(truth), "the stored version differs");
    copies.delete(&order_id, &payment_id, 2).await.unwrap();
    assert_eq!(copies.load(&order_id, &payment_id).await.unwrap(), None);
}
