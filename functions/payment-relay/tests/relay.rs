//! Tests of the relay, with batches in the format of DynamoDB Streams.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use payment_relay::{ChangeBatch, relay};
use payments::Publication;
use payments::testing::{MemoryPayments, RecordingPublisher};
use serde_json::{Value, json};
use telemetry::Metrics;

/// A stream record with the image of payment `pay_<id>` of order `ord-<id>` at `version`.
fn change(sequence_number: u32, id: &str, version: u64, unpublished: bool) -> Value {
    let status = if version == 0 { "processing" } else { "authorized" };
    let mut image = json!({
        "payment_id": {"S": format!("pay_{id}")},
        "order_id": {"S": format!("ord-{id}")},
        "status": {"S": status},
        "amount": {"M": {"minor": {"N": "1299"}, "currency": {"S": "EUR"}}},
        "captured_minor": {"N": "0"},
        "refunded_minor": {"N": "0"},
        "version": {"N": version.to_string()},
        "created_at": {"S": "2026-11-22T20:00:00.000Z"},
        "updated_at": {"S": "2026-11-22T20:00:00.123Z"},
        "request_fingerprint": {"S": "00"},
        "lease_until": {"S": "2026-11-22T20:00:10.000Z"},
        "lease_holder": {"S": "HOLDER"},
        "steps": {"L": [{"M": {
            "key": {"S": "HOLDER"}, "action": {"S": "authorize"}, "at": {"S": "2026-11-22T20:00:00.123Z"},
        }}]},
        "attempt": {"N": "1"},
    });
    if unpublished {
        image["unpublished"] = json!({"BOOL": true});
    }
    record(sequence_number, &image)
}

fn record(sequence_number: u32, image: &Value) -> Value {
    json!({
        "eventID": sequence_number.to_string(),
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "Keys": {"payment_id": image["payment_id"]},
            "NewImage": image,
            "SequenceNumber": sequence_number.to_string(),
            "SizeBytes": 1,
            "StreamViewType": "NEW_IMAGE",
        },
    })
}

/// Relays a batch. Returns the ids of the published events and the reported sequence numbers.
async fn relay_batch(records: Vec<Value>, failing_order: Option<&str>) -> (Vec<String>, Vec<String>) {
    let publisher = Arc::new(RecordingPublisher::default());
    if let Some(order_id) = failing_order {
        publisher.fail_for(order_id);
    }
    let publication = Publication::new(publisher.clone(), Arc::new(MemoryPayments::default()));
    let metrics = Metrics::new("relay", |_| {});
    let batch: ChangeBatch = serde_json::from_value(json!({"Records": records})).unwrap();
    let response = relay(&publication, &metrics, batch).await;
    let published = publisher.published().iter().map(payment_events::PaymentEvent::id).collect();
    let reported = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    (published, reported)
}

#[tokio::test]
async fn unpublished_payments_are_published_in_batch_order() {
    let batch = vec![change(1, "b", 1, true), change(2, "a", 1, true)];
    assert_eq!(relay_batch(batch, None).await, (vec!["pay_b:1".to_owned(), "pay_a:1".to_owned()], vec![]));
}

#[tokio::test]
async fn directly_published_payments_are_not_published_again() {
    let batch = vec![change(1, "a", 0, false), change(2, "a", 1, true), change(3, "a", 1, false)];
    assert_eq!(relay_batch(batch, None).await, (vec![], vec![]));
}

#[tokio::test]
async fn only_the_newest_state_of_a_payment_is_published() {
    let batch = vec![change(1, "a", 1, true), change(2, "a", 2, true)];
    assert_eq!(relay_batch(batch, None).await, (vec!["pay_a:2".to_owned()], vec![]));
}

#[tokio::test]
async fn processing_payments_are_not_published() {
    assert_eq!(relay_batch(vec![change(1, "a", 0, true)], None).await, (vec![], vec![]));
}

#[tokio::test]
async fn failed_publishes_are_reported_for_redelivery() {
    let batch = vec![change(1, "a", 1, true), change(2, "b", 1, true), change(3, "c", 1, true)];
    let (published, reported) = relay_batch(batch, Some("ord-b")).await;
    assert_eq!(published, ["pay_a:1", "pay_c:1"]);
    assert_eq!(reported, ["2"]);
}

#[tokio::test]
async fn an_undecodable_change_is_reported_and_does_not_block_its_batch() {
    let invalid_item = json!({"payment_id": "pay_y"});
    let batch = vec![undecodable(1, "x"), change(2, "a", 1, true), record(3, &invalid_item)];
    let (published, reported) = relay_batch(batch, None).await;
    assert_eq!(published, ["pay_a:1"]);
    assert_eq!(reported, ["1", "3"]);
}

/// A stream record with an image that cannot be decoded.
fn undecodable(sequence_number: u32, id: &str) -> Value {
    record(sequence_number, &json!({"payment_id": {"S": format!("pay_{id}")}, "status": {"S": "disputed"}}))
}

#[tokio::test]
async fn an_undecodable_change_is_superseded_by_a_newer_decodable_one() {
    let batch = vec![undecodable(1, "a"), change(2, "a", 1, false), change(3, "b", 1, true), undecodable(4, "b")];
    let (published, reported) = relay_batch(batch, None).await;
    assert_eq!(published, ["pay_b:1"], "the newest decodable image");
    assert_eq!(reported, ["4"]);
}

#[tokio::test]
async fn a_change_without_a_key_is_handled_on_its_own() {
    let nameless = |sequence_number, id, version| {
        let mut change = change(sequence_number, id, version, true);
        change["dynamodb"].as_object_mut().unwrap().remove("Keys");
        change
    };
    let batch = vec![nameless(1, "a", 1), nameless(2, "b", 1)];
    assert_eq!(relay_batch(batch, None).await, (vec!["pay_a:1".to_owned(), "pay_b:1".to_owned()], vec![]));
}

#[tokio::test]
async fn removed_items_are_skipped() {
    let mut removed = change(1, "a", 1, true);
    removed["eventName"] = json!("REMOVE");
    removed["dynamodb"].as_object_mut().unwrap().remove("NewImage");
    assert_eq!(relay_batch(vec![removed], None).await, (vec![], vec![]));
}

#[tokio::test]
async fn published_and_deferred_payments_are_counted() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&lines);
    let metrics = Metrics::new("relay", move |line| into.lock().unwrap().push(line.to_owned()));
    let publisher = Arc::new(RecordingPublisher::default());
    publisher.fail_for("ord-b");
    let publication = Publication::new(publisher, Arc::new(MemoryPayments::default()));
    for records in [["a", "b", "c"].map(|id| change(1, id, 1, true)), ["a", "b", "c"].map(|id| change(2, id, 1, false))]
    {
        relay(&publication, &metrics, serde_json::from_value(json!({"Records": records})).unwrap()).await;
    }
    let lines = lines.lock().unwrap();
    let [counts, ages] = lines.as_slice() else { panic!("the second batch must write no line: {lines:?}") };
    let (counts, ages): (Value, Value) = (serde_json::from_str(counts).unwrap(), serde_json::from_str(ages).unwrap());
    assert_eq!((&counts["PublishedByRelay"], &counts["Deferred"]), (&json!(2), &json!(1)));
    assert_eq!(ages["UnpublishedAge"].as_array().map(Vec::len), Some(1), "the age of the one deferred payment");
}
