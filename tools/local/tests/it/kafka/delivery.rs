//! Order, batches and events.

use std::collections::BTreeMap;

use paystream_local::{KafkaBatches, KafkaSimulation};
use serde_json::Value;

use super::raw;
use super::topic::{MAPPING, TestTopic, record_of};
use crate::harness::ok;

#[tokio::test]
async fn records_of_each_partition_are_delivered_in_order() {
    let Some(topic) = TestTopic::create(3).await else { return };
    let probe = topic.probe(&[("BatchSize", "7")]).await;
    for start in [0, 10, 20] {
        for partition in 0..3 {
            let numbers = i64::from(partition) * 100 + start;
            topic.write(partition, &ok(numbers..numbers + 10)).await;
        }
    }
    probe.received(90).await;
    let delivered = probe.delivered("topic");
    for partition in 0..3 {
        let own: Vec<i64> = delivered.iter().copied().filter(|number| number / 100 == partition).collect();
        assert_eq!(own, (partition * 100..partition * 100 + 30).collect::<Vec<_>>());
    }
    assert!(probe.journal("topic").iter().all(|batch| batch.len() <= 7));
    let status = probe.event_source(MAPPING).await;
    assert_eq!((status.retries, status.failures, status.given_up), (0, 0, 0));
    let positions: Vec<_> = status.shards.values().map(|shard| shard.position.as_deref()).collect();
    assert_eq!(positions, [Some("29"); 3]);
}

#[tokio::test]
async fn a_payload_may_mix_partitions() {
    let Some(topic) = TestTopic::create(2).await else { return };
    topic.write(0, &ok(0..2)).await;
    topic.write(1, &ok(10..12)).await;
    let probe = topic.probe(&[]).await;
    probe.received(4).await;
    assert_eq!(probe.journal("topic"), [[0, 1, 10, 11]]);
}

#[tokio::test]
async fn batches_of_one_partition_each_are_simulated_too() {
    let Some(topic) = TestTopic::create(2).await else { return };
    topic.write(0, &[(0, "wait"), (1, "ok")]).await;
    topic.write(1, &ok(10..12)).await;
    let simulation = KafkaSimulation { batches: KafkaBatches::PerPartition, ..KafkaSimulation::default() };
    let probe = topic.probe_simulating(simulation, &[]).await;
    // The partition that waits does not hold up the other.
    probe.received(2).await;
    probe.eventually("both are received", async || probe.journal("topic").len() == 2).await;
    let mut journal = probe.journal("topic");
    journal.sort();
    assert_eq!(journal, [[0, 1], [10, 11]]);
    probe.open_gate();
    probe.received(4).await;
}

#[tokio::test]
async fn a_batching_window_gathers_records_of_a_topic_into_one_batch() {
    let Some(topic) = TestTopic::create(1).await else { return };
    let probe = topic.probe(&[("BatchingWindow", "300"), ("BatchSize", "3")]).await;
    for number in 0..3 {
        topic.write(0, &[(number, "ok")]).await;
    }
    probe.received(3).await;
    assert_eq!(probe.journal("topic"), [[0, 1, 2]], "the batch is full long before the window ends");
}

#[tokio::test]
async fn a_missing_topic_is_created_with_two_partitions() {
    let Some(topic) = TestTopic::named().await else { return };
    let probe = topic.probe(&[]).await;
    topic.write(0, &[(0, "ok")]).await;
    topic.write(1, &[(1, "ok")]).await;
    probe.received(2).await;
    assert_eq!(probe.event_source(MAPPING).await.shards.len(), 2);
}

#[tokio::test]
async fn a_record_that_exceeds_the_payload_is_discarded_and_the_partition_goes_on() {
    let Some(topic) = TestTopic::named().await else { return };
    raw::create_for_large_records(&topic.address, &topic.name, 8 * 1024 * 1024).await;
    // Base64 makes 5 MB larger than the 6 MB of a payload.
    topic.write_records(0, vec![record_of("x".repeat(5 * 1024 * 1024))]).await;
    topic.write(0, &[(7, "ok")]).await;
    let probe = topic.probe(&[]).await;
    probe.received(1).await;
    assert_eq!((probe.delivered("topic"), probe.event_source(MAPPING).await.given_up), (vec![7], 1));
    let record = &probe.environment.failures().failures[0].record;
    assert_eq!(record["requestContext"]["condition"], "MaximumPayloadSizeExceeded");
    assert_eq!(record["responseContext"], Value::Null);
}

#[tokio::test]
async fn a_tombstone_without_key_and_headers_of_any_bytes_are_delivered() {
    let Some(topic) = TestTopic::create(1).await else { return };
    let mut tombstone = record_of(String::new());
    tombstone.value = None;
    tombstone.headers = BTreeMap::from([("any".to_owned(), vec![0, 127, 128, 255])]);
    topic.write_records(0, vec![tombstone]).await;
    topic.write(0, &[(1, "fail-always")]).await;
    let probe = topic.probe(&[("Retries", "0")]).await;
    probe.eventually("both are discarded", async || probe.event_source(MAPPING).await.given_up == 2).await;
    let failures = probe.environment.failures().failures;
    let payload: Value = serde_json::from_str(failures[0].record["payload"].as_str().unwrap()).unwrap();
    let record = &payload["records"][format!("{}-0", topic.name)][0];
    assert_eq!((&record["key"], &record["value"]), (&Value::Null, &Value::Null));
    assert_eq!(record["headers"], serde_json::json!([{"any": [0, 127, -128, -1]}]));
}
