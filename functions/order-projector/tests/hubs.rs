//! Behaviour that differs by hub: positions, partitions, records without a key or value, and ids in quarantine.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code, reason = "shared with the tests of all hubs")]
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use orders::OrderStatus;
use orders::testing::samples::captured;
use payment_events::PaymentInfo;
use serde_json::{Value, json};
use world::*;

async fn deliver(world: &World, event: Value) -> Value {
    world.deliver_event(world.store.clone(), event, in_a_minute()).await
}

fn in_a_minute() -> SystemTime {
    SystemTime::now() + Duration::from_mins(1)
}

fn kafka(payment: &PaymentInfo, offset: i64) -> Value {
    let (key, data) = event(payment);
    kafka_record(key, &data, offset)
}

/// Response that reports these offsets.
fn reported(offsets: &[(&str, i64)]) -> Value {
    let failures =
        offsets.iter().map(|(partition, offset)| json!({"itemIdentifier": {"partition": partition, "offset": offset}}));
    json!({"batchItemFailures": failures.collect::<Vec<_>>()})
}

fn ids(world: &World) -> Vec<String> {
    world.quarantine.records().iter().map(|record| record.id.to_string()).collect()
}

#[tokio::test]
async fn the_lowest_failed_offset_of_each_partition_is_reported() {
    let world = World::of(Hub::Kafka);
    for order_id in ["ord-1", "ord-2", "ord-3"] {
        world.store.fail_for(&order_id.parse().unwrap(), true);
    }
    let [one, two, three, good] = ["ord-1", "ord-2", "ord-3", "ord-4"].map(|order_id| payment(order_id, "pay_1"));
    // Offsets have gaps. Partition 10 precedes 2 in the event, and its failures do not.
    let event = kafka_event(&[
        ("payments-10", vec![kafka(&good, 7), kafka(&two, 1_000), kafka(&one, 1_007)]),
        ("payments-2", vec![kafka(&three, 99), kafka(&good, 100)]),
        ("payments-3", vec![kafka(&good, 5)]),
    ]);
    assert_eq!(deliver(&world, event).await, reported(&[("payments-10", 1_000), ("payments-2", 99)]));
    assert_eq!(world.versions("ord-4").await, [1]);
}

/// After a topic got more partitions, records of one order are in two partitions. A lane that stops in one of them leaves
/// the other one behind as well.
#[tokio::test]
async fn an_order_in_two_partitions_is_reported_in_both() {
    let world = World::of(Hub::Kafka);
    world.store.fail_for(&"ord-1".parse().unwrap(), true);
    let held = payment("ord-1", "pay_1");
    let (taken, other) = (captured(&held, 1_000, 0), payment("ord-1", "pay_2"));
    for later in [&taken, &other] {
        let event = kafka_event(&[("payments-0", vec![kafka(&held, 1)]), ("payments-1", vec![kafka(later, 2)])]);
        assert_eq!(deliver(&world, event).await, reported(&[("payments-0", 1), ("payments-1", 2)]));
    }
}

#[tokio::test(start_paused = true)]
async fn orders_that_cannot_be_found_or_settled_are_reported_in_each_partition() {
    for what in [FINDING, SETTLING] {
        let world = World::of(Hub::Kafka);
        for order_id in ["ord-1", "ord-2"] {
            world.place(order_id).await;
        }
        let [one, two] = ["ord-1", "ord-2"].map(|order_id| payment(order_id, "pay_1"));
        let event = || kafka_event(&[("payments-0", vec![kafka(&one, 1)]), ("payments-1", vec![kafka(&two, 2)])]);
        let failing = Arc::new(FailingStore { store: world.store.clone(), what, how: FailureMode::Error });
        let response = world.deliver_event(failing, event(), in_a_minute()).await;
        assert_eq!(response, reported(&[("payments-0", 1), ("payments-1", 2)]), "{what}");
        assert_eq!(deliver(&world, event()).await, reported(&[]));
        assert_eq!(world.status("ord-2"), OrderStatus::Accepted);
    }
}

#[tokio::test]
async fn a_failed_record_without_an_offset_fails_the_invocation() {
    let world = World::of(Hub::Kafka);
    world.quarantine.fail_for_data(b"?");
    let mut record = kafka_record("ord-1", b"?", 1);
    record["offset"] = Value::Null;
    let event = kafka_event(&[("payments-0", vec![record])]);
    assert_eq!(deliver(&world, event).await, json!({"error": "BatchFailed"}));
}

/// Each record that one producer or another may send, beside a payment, which is stored.
#[tokio::test]
async fn kafka_records_without_a_usable_field_are_quarantined_and_the_others_are_stored() {
    let with = |field: &str, value: Value| {
        let mut record = kafka_record("ord-1", b"?", 1);
        record[field] = value;
        record
    };
    let poison = [
        (with("value", Value::Null), "tombstone", b"".as_slice()),
        (with("value", json!("%%")), "not base64", b"%%"),
        (with("value", json!(7)), "not base64", b""),
        (with("value", json!("")), "not a CloudEvents object", b""),
        (with("key", Value::Null), "not a CloudEvents object", b"?"),
        (with("key", json!("%%")), "not a CloudEvents object", b"?"),
        (with("timestamp", json!(-1)), "not a CloudEvents object", b"?"),
        (with("headers", json!("another producer's")), "not a CloudEvents object", b"?"),
    ];
    for (record, reason, data) in poison {
        let (world, good) = (World::of(Hub::Kafka), payment("ord-1", "pay_1"));
        let event = kafka_event(&[("payments-0", vec![record.clone(), kafka(&good, 2)])]);
        assert_eq!(deliver(&world, event).await, reported(&[]), "{record}");
        assert_eq!(world.versions("ord-1").await, [1]);
        let records = world.quarantine.records();
        assert_eq!(records.len(), 1, "{record}");
        assert!(records[0].reason.as_str().contains(reason), "{record}: {}", records[0].reason.as_str());
        assert_eq!(records[0].data, data);
    }
}

#[tokio::test]
async fn a_payment_without_a_key_or_timestamp_is_stored() {
    let (world, good) = (World::of(Hub::Kafka), payment("ord-1", "pay_1"));
    let mut record = kafka(&good, 1);
    for field in ["key", "timestamp", "headers", "topic", "partition"] {
        record.as_object_mut().unwrap().remove(field);
    }
    assert_eq!(deliver(&world, kafka_event(&[("payments-0", vec![record])])).await, reported(&[]));
    assert_eq!(world.versions("ord-1").await, [1]);
}

#[tokio::test]
async fn a_redelivered_kafka_record_is_quarantined_once_and_one_of_a_recreated_topic_again() {
    let world = World::of(Hub::Kafka);
    let first = kafka_record("ord-1", b"first", 0);
    let with = |field: &str, value: Value| {
        let mut record = first.clone();
        record[field] = value;
        record
    };
    let recreated = [
        kafka_record("ord-1", b"second", 0),
        kafka_record("ord-2", b"first", 0),
        with("timestamp", json!(ARRIVED_AT_UNIX_MS + 1)),
        with("value", Value::Null),
        with("value", json!("")),
    ];
    for record in std::iter::once(&first).chain(&recreated) {
        for _ in 0..2 {
            let event = kafka_event(&[("payments-0", vec![record.clone()])]);
            assert_eq!(deliver(&world, event).await, reported(&[]));
        }
    }
    let ids = ids(&world);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 1 + recreated.len(), "{ids:?}");
    assert!(ids.iter().all(|id| id.starts_with("kafka:payments-0#0-170000000150")), "{ids:?}");
    let kept = world.quarantine.records();
    assert_eq!(kept[0].arrived_at.unix_ms(), ARRIVED_AT_UNIX_MS);
    // The same offset of another partition is another record, too.
    deliver(&world, kafka_event(&[("payments-1", vec![first])])).await;
    assert_eq!(world.quarantine.records().len(), 2 + recreated.len());
}

/// An item of the quarantine table has no room for a key of the size of a record.
#[tokio::test]
async fn a_very_long_key_is_cut_and_still_tells_records_apart() {
    let world = World::of(Hub::Kafka);
    for last in ["a", "b"] {
        let key = format!("{}{last}", "é".repeat(500_000));
        deliver(&world, kafka_event(&[("payments-0", vec![kafka_record(&key, b"?", 1)])])).await;
    }
    let records = world.quarantine.records();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].partition_key, "é".repeat(512));
}

#[tokio::test]
async fn a_rabbitmq_message_is_quarantined_under_its_message_id_and_digest() {
    let world = World::of(Hub::RabbitMq);
    let message = |message_id: &str, data: &[u8]| {
        let mut message = rabbitmq_message(data);
        message["basicProperties"]["messageId"] = json!(message_id);
        message
    };
    let redelivered = |mut message: Value| {
        message["redelivered"] = json!(true);
        message
    };
    let ours = message("pay_1:2", b"?");
    let messages = [
        ours.clone(),
        redelivered(ours),
        message("pay_1:2", b"!"),
        message("pay_2:2", b"?"),
        message("4111111111111111", b"?"),
        rabbitmq_message(b"?"),
        redelivered(rabbitmq_message(b"?")),
    ];
    for message in messages {
        assert_eq!(deliver(&world, rabbitmq_event(&[message])).await, reported(&[]));
    }
    let ids = ids(&world);
    assert_eq!(ids.len(), 5, "a redelivery is stored once: {ids:?}");
    assert!(ids[0].starts_with("rabbitmq:orders.payments#pay_1:2-"), "{ids:?}");
    assert!(ids[2].starts_with("rabbitmq:orders.payments#pay_2:2-"), "{ids:?}");
    assert!(!ids[3].contains("4111"), "text of another producer is not in an id, which is logged: {ids:?}");
    assert!(ids.iter().all(|id| id.parse::<quarantine::RecordId>().is_ok()));
}

#[tokio::test]
async fn a_rabbitmq_message_of_another_producer_is_quarantined_and_the_others_are_stored() {
    let with = |field: &str, value: Value| {
        let mut message = rabbitmq_message(b"?");
        message[field] = value;
        message
    };
    let poison = [
        with("data", Value::Null),
        with("data", json!("%%")),
        with("data", json!([1])),
        with("basicProperties", Value::Null),
        with(
            "basicProperties",
            json!({"headers": {"a": {"bytes": [-128]}, "b": [[{}]]}, "messageId": 7, "timestamp": 7}),
        ),
        with("redelivered", Value::Null),
    ];
    for message in poison {
        let (world, good) = (World::of(Hub::RabbitMq), payment("ord-1", "pay_1"));
        let event = rabbitmq_event(&[message.clone(), rabbitmq_message(&event(&good).1)]);
        assert_eq!(deliver(&world, event).await, reported(&[]), "{message}");
        assert_eq!(world.versions("ord-1").await, [1]);
        assert_eq!(world.quarantine.records().len(), 1, "{message}");
    }
}
