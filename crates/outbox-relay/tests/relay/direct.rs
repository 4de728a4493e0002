//! `direct` mode, and the decoding that both modes share.

use std::time::{Duration, SystemTime};

use outbox_relay::ChangeBatch;
use quarantine::QuarantinedRecord;
use serde_json::{Value, json};

use crate::support::{Relaying, change, image, undecodable};

/// Relays a batch. Returns the ids of the published events and the reported sequence numbers.
async fn relay_batch(records: Vec<Value>, failing_order: Option<&str>) -> (Vec<String>, Vec<String>) {
    let relaying = Relaying::new();
    if let Some(order_id) = failing_order {
        relaying.publisher.fail_for(order_id);
    }
    let reported = relaying.batch(records).await;
    assert_eq!(relaying.quarantined(), Vec::<String>::new());
    (relaying.published(), reported)
}

#[tokio::test]
async fn payments_that_are_due_are_published_in_batch_order() {
    let batch = vec![change(1, "b", 1, true), change(2, "a", 1, true)];
    assert_eq!(relay_batch(batch, None).await, (vec!["pay_b:1".to_owned(), "pay_a:1".to_owned()], vec![]));
}

#[tokio::test]
async fn an_image_that_gained_a_refusal_is_published_only_if_it_is_due() {
    let refused = |sequence_number, id, is_due| {
        let mut record = change(sequence_number, id, 1, is_due);
        let refusal = json!({"key": {"S": "KEY"}, "change": {"S": "refund"}, "status": {"S": "authorized"},
            "reason": {"S": "status"}});
        record["dynamodb"]["NewImage"]["refusals"] = json!({"L": [{"M": refusal}]});
        record
    };
    let batch = vec![change(1, "a", 1, false), refused(2, "a", false), change(3, "b", 1, true), refused(4, "b", true)];
    assert_eq!(relay_batch(batch, None).await, (vec!["pay_b:1".to_owned()], vec![]));
}

#[tokio::test]
async fn directly_published_payments_are_not_published_again() {
    let batch = vec![change(1, "a", 0, false), change(2, "a", 1, true), change(3, "a", 1, false)];
    assert_eq!(relay_batch(batch, None).await, (vec![], vec![]));
}

#[tokio::test]
async fn every_version_after_the_position_is_published_once_and_in_order() {
    let batch = vec![change(1, "a", 1, true), change(2, "a", 2, true), change(3, "a", 3, true)];
    let all = ["pay_a:1", "pay_a:2", "pay_a:3"];
    assert_eq!(relay_batch(batch, None).await, (all.map(str::to_owned).to_vec(), vec![]));
    assert_eq!(
        relay_batch(vec![image(1, "a", 3, 1)], None).await,
        (all[1..].iter().map(ToString::to_string).collect(), vec![])
    );
}

/// The trace is stored of the newest version only.
#[tokio::test]
async fn a_rebuilt_event_has_the_state_of_its_version_and_no_trace() {
    let relaying = Relaying::new();
    relaying.batch([change(1, "a", 3, true)]).await;
    let events = relaying.publisher.published();
    let amounts: Vec<_> =
        events.iter().map(|event| (event.payment().captured_minor, event.payment().refunded_minor)).collect();
    assert_eq!(amounts, [(0, 0), (1_299, 0), (1_299, 300)]);
    let traced: Vec<_> = events.iter().map(|event| event.trace_parent().is_some()).collect();
    assert_eq!(traced, [false, false, true]);
}

#[tokio::test]
async fn a_payment_that_its_steps_do_not_reproduce_is_quarantined() {
    let relaying = Relaying::new();
    let mut one_step_short = change(1, "a", 3, true);
    one_step_short["dynamodb"]["NewImage"]["steps"]["L"].as_array_mut().unwrap().pop();
    assert_eq!(relaying.batch([one_step_short]).await, Vec::<String>::new());
    assert_eq!((relaying.published(), relaying.quarantined()), (vec![], vec!["payments-table#1:pay_a".to_owned()]));
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
async fn an_undecodable_image_is_quarantined_whole_and_does_not_block_its_batch() {
    let relaying = Relaying::new();
    let change = [undecodable(1, "x"), change(2, "a", 1, true)];
    let image = change[0]["dynamodb"]["NewImage"].to_string();
    assert_eq!(relaying.batch(change).await, Vec::<String>::new());
    assert_eq!(relaying.published(), ["pay_a:1"]);
    let [QuarantinedRecord { id, data, reason, partition_key, arrived_at, .. }] = &relaying.quarantine.records()[..]
    else {
        panic!("one record")
    };
    assert_eq!((id.to_string().as_str(), partition_key.as_str()), ("payments-table#1:pay_x", "pay_x"));
    assert_eq!(String::from_utf8_lossy(data), image);
    assert!(reason.as_str().contains("missing field"), "{}", reason.as_str());
    assert_eq!(arrived_at.unix_ms(), 1_700_000_001_000);
}

#[tokio::test]
async fn an_image_of_any_shape_is_quarantined() {
    let relaying = Relaying::new();
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let images =
        ["1", "true", r#""text""#, "[]", "{}", r#"{"payment_id": "pay_y"}"#, r#"{"payment_id": {"S": 1}}"#, &deep];
    let keys = [r#"{"payment_id": {"N": "1"}}"#, r#"{"payment_id": {"S": "no id\u001b"}}"#, "{}", "[]", "7", "null"];
    let mut records = Vec::new();
    for (image, keys) in images.iter().flat_map(|image| keys.map(|keys| (image, keys))) {
        let number = records.len() + 1;
        records.push(format!(r#"{{"dynamodb":{{"SequenceNumber":"{number}","Keys":{keys},"NewImage":{image}}}}}"#));
    }
    let count = records.len();
    let batch: ChangeBatch = serde_json::from_str(&format!(r#"{{"Records":[{}]}}"#, records.join(","))).unwrap();
    let response = relaying.relay.handle(batch, SystemTime::now() + Duration::from_mins(1)).await;
    assert_eq!(response.into_iter().collect::<Vec<_>>(), Vec::<String>::new());
    let expected: Vec<_> = (1..=count).map(|number| format!("payments-table#{number}:unknown")).collect();
    assert_eq!(relaying.quarantined(), expected);
}

/// The relay could never publish such a payment.
#[tokio::test]
async fn a_payment_that_violates_the_event_contract_is_quarantined() {
    let relaying = Relaying::new();
    let mut contradictory = change(1, "a", 1, true);
    contradictory["dynamodb"]["NewImage"]["captured_minor"] = json!({"N": "1300"});
    assert_eq!(relaying.batch([contradictory, change(2, "b", 1, true)]).await, Vec::<String>::new());
    assert_eq!(
        (relaying.published(), relaying.quarantined()),
        (vec!["pay_b:1".to_owned()], vec!["payments-table#1:pay_a".to_owned()])
    );
}

#[tokio::test]
async fn an_image_that_cannot_be_quarantined_is_reported() {
    let relaying = Relaying::new();
    relaying.quarantine.fail_for("1:pay_x");
    let batch = [undecodable(1, "x"), change(2, "a", 1, true), undecodable(3, "y")];
    assert_eq!(relaying.batch(batch).await, ["1"]);
    assert_eq!(
        (relaying.published(), relaying.quarantined()),
        (vec!["pay_a:1".to_owned()], vec!["payments-table#3:pay_y".to_owned()])
    );
}

#[tokio::test]
async fn no_image_is_quarantined_shortly_before_the_deadline() {
    let relaying = Relaying::new();
    let batch = [undecodable(1, "x"), change(2, "a", 1, true)];
    assert_eq!(relaying.batch_within(Duration::from_secs(10), batch).await, ["1"]);
    assert_eq!((relaying.published(), relaying.quarantined()), (vec!["pay_a:1".to_owned()], vec![]));
}

#[tokio::test]
async fn a_redelivered_image_is_quarantined_once_and_a_later_one_as_well() {
    let relaying = Relaying::new();
    for batch in [vec![undecodable(1, "x")], vec![undecodable(1, "x"), undecodable(2, "x")]] {
        assert_eq!(relaying.batch(batch).await, Vec::<String>::new());
    }
    assert_eq!(relaying.quarantined(), ["payments-table#1:pay_x", "payments-table#2:pay_x"]);
}

#[tokio::test]
async fn an_undecodable_image_is_superseded_by_a_newer_decodable_one() {
    let relaying = Relaying::new();
    let batch = [undecodable(1, "a"), change(2, "a", 1, false), change(3, "b", 1, true), undecodable(4, "b")];
    assert_eq!(relaying.batch(batch).await, Vec::<String>::new());
    assert_eq!(relaying.published(), ["pay_b:1"], "the newest decodable image");
    assert_eq!(relaying.quarantined(), ["payments-table#4:pay_b"]);
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
async fn published_and_deferred_payments_and_quarantined_images_are_counted() {
    let relaying = Relaying::new();
    relaying.publisher.fail_for("ord-b");
    relaying.batch(["a", "b", "c"].map(|id| change(1, id, 1, true))).await;
    relaying.batch(["a", "b", "c"].map(|id| change(2, id, 1, false))).await;
    relaying.batch([undecodable(3, "x"), undecodable(4, "y")]).await;
    let lines = relaying.lines.lock().unwrap();
    let [counts, ages, images] = lines.as_slice() else { panic!("the second batch must write no line: {lines:?}") };
    assert_eq!((&counts["PublishedByRelay"], &counts["Deferred"]), (&json!(2), &json!(1)));
    assert_eq!(ages["UnpublishedAge"].as_array().map(Vec::len), Some(1), "the age of the one deferred payment");
    assert_eq!(images["UnreadableImages"], 2);
}

/// After a switch to `stream` mode, the newest image alone would not say that the first version is missing.
#[tokio::test]
async fn a_failed_payment_is_redelivered_from_its_first_image() {
    let batch = vec![change(1, "b", 1, true), change(2, "a", 1, true), change(3, "a", 2, true)];
    assert_eq!(relay_batch(batch, Some("ord-a")).await, (vec!["pay_b:1".to_owned()], vec!["2".to_owned()]));
}
