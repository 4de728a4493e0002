//! Tests of [`PaymentsScan`] on the DynamoDB emulator, over a real socket.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use payment_events::{Money, PaymentId, Timestamp};
use payments::{Caller, Lease, PaymentRecord, PaymentRequest, PaymentStore, RequestKey};
use payments_aws::{PaymentsScan, PaymentsTable, UnreadableItem};
use paystream_local::{Emulators, Template};

const PAYMENTS_TABLE: &str = "PaymentsTable";
/// Does not divide the number of payments, so that the last page is partial.
const PAGE: i32 = 7;

async fn client() -> Client {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    let template = Template::load(template.as_ref(), &[].into()).unwrap();
    let emulators = Box::leak(Box::new(Emulators::start(template).await.unwrap()));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .endpoint_url(emulators.dynamodb_url())
        .http_client(aws_connection::Https::new(aws_connection::Trust::System))
        .build();
    Client::from_conf(config)
}

/// Stores `count` payments and returns their ids.
async fn fill(client: &Client, count: u32) -> BTreeSet<PaymentId> {
    let table = PaymentsTable::new(client.clone(), PAYMENTS_TABLE);
    let mut ids = BTreeSet::new();
    for number in 0..count {
        let request = PaymentRequest {
            caller: Caller::named(None),
            key: format!("key-{number}").parse().unwrap(),
            order_id: format!("ord-{number}").parse().unwrap(),
            amount: Money::new(1299, "EUR".parse().unwrap()).unwrap(),
            token: "tok_approve".parse().unwrap(),
            trace_parent: None,
        };
        let lease = Lease { until: Timestamp::now(), attempt: 1, holder: RequestKey::random() };
        let record = PaymentRecord::begin(&request, request.payment_id().unwrap(), lease, Timestamp::now());
        table.begin(&record).await.unwrap();
        ids.insert(record.payment.payment_id);
    }
    ids
}

async fn read(scan: &mut PaymentsScan) -> Vec<Result<PaymentId, UnreadableItem>> {
    let mut all = Vec::new();
    while let Some(page) = scan.next_page().await.unwrap() {
        assert!(page.len() <= usize::try_from(PAGE).unwrap());
        all.extend(page.into_iter().map(|item| item.map(|record| record.payment.payment_id)));
    }
    all
}

#[tokio::test]
async fn a_scan_sees_every_payment_once_page_by_page() {
    let client = client().await;
    let mut scan = PaymentsScan::new(client.clone(), PAYMENTS_TABLE, PAGE);
    assert_eq!(read(&mut scan).await, []);
    let ids = fill(&client, 30).await;
    let mut scan = PaymentsScan::new(client, PAYMENTS_TABLE, PAGE);
    let seen = read(&mut scan).await;
    assert_eq!(seen.len(), 30);
    assert_eq!(seen.into_iter().map(Result::unwrap).collect::<BTreeSet<_>>(), ids);
    assert_eq!(scan.next_page().await.unwrap(), None, "the scan has ended");
}

#[tokio::test]
async fn a_scan_continues_after_a_given_payment() {
    let client = client().await;
    fill(&client, 20).await;
    let scan = || PaymentsScan::new(client.clone(), PAYMENTS_TABLE, PAGE);
    let all = read(&mut scan()).await;
    let tenth = all[9].clone().unwrap();
    assert_eq!(read(&mut scan().after(&tenth)).await, all[10..]);
    // Also if that payment has been deleted.
    let key = AttributeValue::S(tenth.to_string());
    client.delete_item().table_name(PAYMENTS_TABLE).key("payment_id", key).send().await.unwrap();
    assert_eq!(read(&mut scan().after(&tenth)).await, all[10..]);
}

#[tokio::test]
async fn an_unreadable_item_is_reported_and_does_not_stop_the_scan() {
    let client = client().await;
    fill(&client, 10).await;
    let item = AttributeValue::S("pay_odd".to_owned());
    client.put_item().table_name(PAYMENTS_TABLE).item("payment_id", item).send().await.unwrap();
    let seen = read(&mut PaymentsScan::new(client, PAYMENTS_TABLE, PAGE)).await;
    let odd: Vec<_> = seen.iter().filter_map(|item| item.as_ref().err()).collect();
    assert_eq!((seen.len(), odd.len()), (11, 1));
    assert_eq!(odd[0].key, "pay_odd");
    assert!(odd[0].reason.contains("missing field"), "{}", odd[0].reason);
}

#[tokio::test]
async fn a_missing_table_is_an_error_that_names_the_table() {
    let error = PaymentsScan::new(client().await, "no-such-table", PAGE).next_page().await.unwrap_err();
    assert!(error.to_string().contains("no-such-table"), "{error}");
}
