//! The relay, given batches as DynamoDB streams deliver them.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use payment_relay::{ChangeBatch, relay};
use payments::Publication;
use payments::testing::{MemoryPayments, RecordingPublisher};
use serde_json::{Value, json};
use telemetry::Metrics;

/// One change: the image of a payment of order `ord-<id>` at `version`, and its place in the stream.
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

/// Relays a batch; answers with the ids and versions published and the sequence numbers reported.
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
async fn what_is_still_marked_is_published_in_the_order_of_the_batch() {
    let batch = vec![change(1, "b", 1, true), change(2, "a", 1, true)];
    assert_eq!(relay_batch(batch, None).await, (vec!["pay_b:1".to_owned(), "pay_a:1".to_owned()], vec![]));
}

#[tokio::test]
async fn what_was_published_on_the_way_out_is_not_published_again() {
    let batch = vec![change(1, "a", 0, false), change(2, "a", 1, true), change(3, "a", 1, false)];
    assert_eq!(relay_batch(batch, None).await, (vec![], vec![]));
}

#[tokio::test]
async fn only_the_newest_state_of_a_payment_is_published() {
    let batch = vec![change(1, "a", 1, true), change(2, "a", 2, true)];
    assert_eq!(relay_batch(batch, None).await, (vec!["pay_a:2".to_owned()], vec![]));
}

#[tokio::test]
async fn what_is_processing_is_nobodys_business() {
    assert_eq!(relay_batch(vec![change(1, "a", 0, true)], None).await, (vec![], vec![]));
}

#[tokio::test]
async fn what_cannot_be_published_is_delivered_again() {
    let batch = vec![change(1, "a", 1, true), change(2, "b", 1, true), change(3, "c", 1, true)];
    let (published, reported) = relay_batch(batch, Some("ord-b")).await;
    assert_eq!(published, ["pay_a:1", "pay_c:1"]);
    assert_eq!(reported, ["2"]);
}

#[tokio::test]
async fn a_change_that_cannot_be_understood_is_not_acknowledged_and_holds_up_nothing_in_its_batch() {
    let no_item = json!({"payment_id": "pay_y"});
    let batch = vec![foreign(1, "x"), change(2, "a", 1, true), record(3, &no_item)];
    let (published, reported) = relay_batch(batch, None).await;
    assert_eq!(published, ["pay_a:1"]);
    assert_eq!(reported, ["1", "3"]);
}

/// A change to an item that no version of ours has written.
fn foreign(sequence_number: u32, id: &str) -> Value {
    record(sequence_number, &json!({"payment_id": {"S": format!("pay_{id}")}, "status": {"S": "disputed"}}))
}

#[tokio::test]
async fn a_change_that_cannot_be_understood_matters_only_while_nothing_newer_can_be() {
    let batch = vec![foreign(1, "a"), change(2, "a", 1, false), change(3, "b", 1, true), foreign(4, "b")];
    let (published, reported) = relay_batch(batch, None).await;
    assert_eq!(published, ["pay_b:1"], "what is known of it");
    assert_eq!(reported, ["4"]);
}

#[tokio::test]
async fn a_change_that_does_not_tell_whose_it_is_is_read_for_itself() {
    let nameless = |sequence_number, id, version| {
        let mut change = change(sequence_number, id, version, true);
        change["dynamodb"].as_object_mut().unwrap().remove("Keys");
        change
    };
    let batch = vec![nameless(1, "a", 1), nameless(2, "b", 1)];
    assert_eq!(relay_batch(batch, None).await, (vec!["pay_a:1".to_owned(), "pay_b:1".to_owned()], vec![]));
}

#[tokio::test]
async fn removed_items_are_passed_over() {
    let mut removed = change(1, "a", 1, true);
    removed["eventName"] = json!("REMOVE");
    removed["dynamodb"].as_object_mut().unwrap().remove("NewImage");
    assert_eq!(relay_batch(vec![removed], None).await, (vec![], vec![]));
}

#[tokio::test]
async fn what_was_published_and_what_has_to_wait_is_counted() {
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
    let [counts, ages] = lines.as_slice() else { panic!("nothing to count is no line: {lines:?}") };
    let (counts, ages): (Value, Value) = (serde_json::from_str(counts).unwrap(), serde_json::from_str(ages).unwrap());
    assert_eq!((&counts["PublishedByRelay"], &counts["Deferred"]), (&json!(2), &json!(1)));
    assert_eq!(ages["UnpublishedAge"].as_array().map(Vec::len), Some(1), "how long the one that waits has waited");
}
