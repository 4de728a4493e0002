//! Partial responses, retries, bisecting, record age, and the on-failure destination.

use std::time::Duration;

use serde_json::json;

use super::topic::{MAPPING, TestTopic, at, now_ms};
use crate::harness::ok;

#[tokio::test]
async fn after_item_failures_each_partition_is_retried_from_its_lowest_offset() {
    let Some(topic) = TestTopic::create(3).await else { return };
    topic.write(0, &[(0, "ok"), (1, "report-once"), (2, "ok"), (3, "report-once")]).await;
    topic.write(1, &ok(10..13)).await;
    topic.write(2, &[(20, "report-once"), (21, "ok")]).await;
    let probe = topic.probe(&[]).await;
    probe.received(9).await;
    assert_eq!(probe.journal("topic"), [vec![0, 1, 2, 3, 10, 11, 12, 20, 21], vec![1, 2, 3, 20, 21]]);
    let status = probe.event_source(MAPPING).await;
    assert_eq!((status.batches, status.retries, status.failures), (2, 1, 1));
}

#[tokio::test]
async fn an_identifier_that_names_no_record_fails_the_whole_batch_of_a_topic() {
    for action in ["report-empty-once", "report-unknown-once"] {
        let Some(topic) = TestTopic::create(1).await else { return };
        topic.write(0, &[(0, "ok"), (1, action), (2, "ok")]).await;
        let probe = topic.probe(&[]).await;
        probe.received(3).await;
        assert_eq!(probe.journal("topic"), [[0, 1, 2], [0, 1, 2]], "{action}");
    }
}

#[tokio::test]
async fn bisecting_isolates_the_record_of_a_topic_that_fails() {
    let Some(topic) = TestTopic::create(2).await else { return };
    let mut records = ok(0..8);
    records[5].1 = "fail-always";
    topic.write(0, &records).await;
    topic.write(1, &ok(10..18)).await;
    let probe = topic.probe(&[("Bisect", "true"), ("Retries", "0")]).await;
    probe.received(15).await;
    assert_eq!(probe.event_source(MAPPING).await.given_up, 1);
    assert_eq!(probe.environment.failures().failures[0].record["KafkaBatchInfo"]["batchSize"], 1);
}

#[tokio::test]
async fn a_batch_of_a_topic_is_discarded_after_its_retries_with_all_that_a_redrive_needs() {
    let Some(topic) = TestTopic::create(2).await else { return };
    topic.write(0, &[(0, "ok"), (1, "report-always"), (2, "ok")]).await;
    topic.write(1, &[(10, "report-always")]).await;
    let probe = topic.probe(&[("Retries", "2")]).await;
    probe.eventually("they are discarded", async || probe.event_source(MAPPING).await.given_up == 3).await;
    topic.write(0, &[(3, "ok")]).await;
    probe.received(2).await;
    let failures = probe.environment.failures().failures;
    assert_eq!(failures.len(), 1);
    assert_eq!((failures[0].bucket.as_str(), failures[0].event_source.as_str()), ("ProbeFailures", MAPPING));
    let record = &failures[0].record;
    assert_eq!(record["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 3);
    let info = &record["KafkaBatchInfo"];
    assert_eq!((&info["batchSize"], &info["bootstrapServers"]), (&json!(3), &json!(topic.address)));
    let of_partition = &info["recordsInfo"][format!("{}-0", topic.name)];
    assert_eq!((&of_partition["firstRecordOffset"], &of_partition["lastRecordOffset"]), (&json!("1"), &json!("2")));
    let payload: serde_json::Value = serde_json::from_str(record["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload["records"][format!("{}-1", topic.name)][0]["offset"], 0);
    assert_eq!(info["payloadSize"], record["payload"].as_str().unwrap().len());
}

#[tokio::test]
async fn without_a_retry_limit_but_with_a_destination_a_topic_is_retried_ten_times() {
    let Some(topic) = TestTopic::create(1).await else { return };
    topic.write(0, &[(0, "fail-always")]).await;
    let probe = topic.probe(&[]).await;
    probe.eventually("it is discarded", async || probe.event_source(MAPPING).await.given_up == 1).await;
    assert_eq!(probe.journal("topic").len(), 11);
}

#[tokio::test]
async fn records_of_a_topic_that_are_too_old_are_discarded_one_by_one() {
    let Some(topic) = TestTopic::create(1).await else { return };
    let now = now_ms();
    let old = now - i64::try_from(Duration::from_hours(1).as_millis()).unwrap();
    // Producers set the time, so an old record may follow a new one.
    topic.write_records(0, vec![at(now, 0, "ok"), at(old, 1, "ok"), at(now, 2, "ok")]).await;
    let probe = topic.probe(&[("RecordAge", "600")]).await;
    probe.received(2).await;
    assert_eq!(probe.journal("topic"), [[0, 2]]);
    assert_eq!(probe.event_source(MAPPING).await.given_up, 1);
    let record = &probe.environment.failures().failures[0].record;
    assert_eq!(record["requestContext"]["condition"], "RecordAgeExceeded");
}
