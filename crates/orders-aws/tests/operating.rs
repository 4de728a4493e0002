//! Operator access to the tables of Orders, against the DynamoDB emulator over a real socket.
#![allow(missing_docs, clippy::unwrap_used)]

mod emulator;

use aws_sdk_dynamodb::types::AttributeValue;
use emulator::{ORDERS_TABLE, QUARANTINE_TABLE};
use orders::testing::samples::{at, authorized, captured, euros, request, stored};
use orders::{Evidence, Order, OrderStore, PaymentCopies, Quarantine, QuarantinedRecord, Reason, Stored};
use orders_aws::{Copies, OrdersScan, OrdersTable, PART_BYTES_MAX, QuarantineRecords, QuarantineTable, ScannedItem};
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
async fn a_payment_made_older_is_replaced_by_the_event_of_its_version() {
    let client = emulator::start().await;
    let (table, copies) = (OrdersTable::new(client.clone(), ORDERS_TABLE), Copies::new(client, ORDERS_TABLE));
    let (order_id, payment_id): (OrderId, PaymentId) = ("ord-1".parse().unwrap(), "pay_1".parse().unwrap());
    assert_eq!(copies.load(&order_id, &payment_id).await.unwrap(), None);
    copies.make_older(&order_id, &payment_id, 1).await.unwrap();
    assert_eq!(copies.load(&order_id, &payment_id).await.unwrap(), None, "a missing payment is not created");

    let truth = stored(captured(&authorized("pay_1", euros(1_000)), 1_000, 0));
    let wrong = stored(captured(&authorized("pay_1", euros(1_000)), 900, 0));
    table.put_if_newer(&wrong).await.unwrap();
    assert_eq!(table.put_if_newer(&truth).await.unwrap(), Stored::Stale);
    copies.make_older(&order_id, &payment_id, 1).await.unwrap();
    assert_eq!(copies.load(&order_id, &payment_id).await.unwrap().as_ref(), Some(&wrong), "the stored version differs");
    copies.make_older(&order_id, &payment_id, 2).await.unwrap();
    assert_eq!(table.put_if_newer(&truth).await.unwrap(), Stored::Newer);
    assert_eq!(copies.load(&order_id, &payment_id).await.unwrap(), Some(truth));
}

fn record(sequence_number: &str, seconds: u64, data: Vec<u8>) -> QuarantinedRecord {
    QuarantinedRecord {
        data,
        reason: Reason::new("not a CloudEvents object"),
        shard_id: "shardId-000000000003".to_owned(),
        sequence_number: sequence_number.to_owned(),
        partition_key: "ord-9".to_owned(),
        arrived_at: at(),
        quarantined_at: at().plus_ms(seconds * 1_000),
    }
}

#[tokio::test]
async fn records_are_listed_newest_first_and_loaded_completely() {
    let client = emulator::start().await;
    let table = QuarantineTable::new(client.clone(), QUARANTINE_TABLE);
    let records = QuarantineRecords::new(client.clone(), QUARANTINE_TABLE);
    assert_eq!(records.list(10).await.unwrap(), []);
    // The period does not divide the part size, so that swapped parts are detected.
    let large: Vec<u8> = (0..=250).cycle().take(PART_BYTES_MAX * 11 + 5).collect();
    let all = [record("41", 1, b"\xff{".to_vec()), record("43", 3, large), record("42", 2, Vec::new())];
    for record in &all {
        table.set_aside(record).await.unwrap();
    }
    let listed = records.list(10).await.unwrap();
    let short: Vec<_> = listed.iter().map(|known| (known.sequence_number.as_str(), known.bytes)).collect();
    assert_eq!(short, [("43", all[1].data.len() as u64), ("42", 0), ("41", 2)]);
    assert_eq!(records.list(1).await.unwrap(), listed[..1]);
    for (known, expected) in listed.iter().zip([&all[1], &all[2], &all[0]]) {
        assert!(records.load(&known.id).await.unwrap().as_ref() == Some(expected), "{} changed", known.id);
    }
}

#[tokio::test]
async fn dropping_a_record_deletes_all_its_parts_and_no_other_record() {
    let client = emulator::start().await;
    let table = QuarantineTable::new(client.clone(), QUARANTINE_TABLE);
    let records = QuarantineRecords::new(client.clone(), QUARANTINE_TABLE);
    table.set_aside(&record("41", 1, vec![7; PART_BYTES_MAX * 2])).await.unwrap();
    table.set_aside(&record("411", 2, vec![8])).await.unwrap();
    let id = "shardId-000000000003#41".parse().unwrap();
    assert!(records.drop(&id).await.unwrap());
    assert_eq!(records.load(&id).await.unwrap(), None);
    assert!(!records.drop(&id).await.unwrap(), "it is already dropped");
    let left = client.scan().table_name(QUARANTINE_TABLE).send().await.unwrap();
    assert_eq!(left.count(), 1);
}

#[tokio::test]
async fn an_incomplete_record_is_neither_listed_nor_loaded() {
    let client = emulator::start().await;
    let records = QuarantineRecords::new(client.clone(), QUARANTINE_TABLE);
    let odd = client.put_item().table_name(QUARANTINE_TABLE).item("record", text("odd"));
    odd.item("part", AttributeValue::N("0".to_owned())).send().await.unwrap();
    let part = client.put_item().table_name(QUARANTINE_TABLE).item("record", text("shardId-0#41"));
    let part = part.item("part", AttributeValue::N("1".to_owned()));
    part.item("data", AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new(b"x"))).send().await.unwrap();
    assert_eq!(records.list(10).await.unwrap(), []);
    assert_eq!(records.load(&"shardId-0#41".parse().unwrap()).await.unwrap(), None);
}
