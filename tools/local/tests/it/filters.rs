//! Filter criteria: delivery of matching records, and skipping of the others.

use paystream_local::Options;

use crate::harness::{Probe, ok, options};

const FROM_FIVE: &str = r#"{"data":{"n":[{"numeric":[">=",5]}]}}"#;

#[tokio::test]
async fn only_matching_records_are_delivered_and_the_checkpoint_passes_the_others() {
    let probe = Probe::start_with(&[("Pattern", FROM_FIVE), ("Retries", "0")]).await;
    probe.write(&ok(0..10)).await;
    probe.write(&[(1, "fail-always")]).await;
    probe.write_data("no JSON", "key").await;
    let last = probe.write_data(r#"{"n":4}"#, "key").await;
    probe.handled(5).await;
    probe
        .eventually("the checkpoint passes the filtered records", async || {
            probe.position().await.as_ref() == Some(&last)
        })
        .await;
    assert_eq!(probe.journal("stream").concat(), [5, 6, 7, 8, 9]);
    let status = probe.mapping().await;
    assert_eq!((status.filtered, status.given_up, status.failures), (8, 0, 0));
    assert!(probe.environment.failures().failures.is_empty());
}

#[tokio::test]
async fn records_can_be_filtered_by_partition_key() {
    let probe = Probe::start_with(&[("Pattern", r#"{"partitionKey":[{"prefix":"ord-"}]}"#)]).await;
    probe.write_data("no JSON", "pay-1").await;
    probe.write_data(r#"{"n":1}"#, "pay-1").await;
    probe.write_data(r#"{"n":2}"#, "ord-1").await;
    probe.handled(1).await;
    assert_eq!(probe.journal("stream"), [[2]]);
}

#[tokio::test]
async fn filtered_records_take_no_place_in_a_batch() {
    let parameters = [("Pattern", FROM_FIVE), ("BatchSize", "3"), ("BatchingWindow", "300")];
    let probe = Probe::start_with(&parameters).await;
    for number in [5, 0, 6] {
        probe.write(&[(number, "ok")]).await;
        probe.write(&[(1, "ok"); 20]).await;
    }
    probe.write(&[(7, "ok")]).await;
    probe.handled(3).await;
    assert_eq!(probe.journal("stream"), [[5, 6, 7]], "the batch is full long before the window ends");
}

#[tokio::test]
async fn the_checkpoint_does_not_pass_filtered_records_behind_one_in_flight() {
    let probe = Probe::start_with(&[("Pattern", FROM_FIVE), ("Factor", "2"), ("BatchSize", "1")]).await;
    probe.write(&[(5, "wait")]).await;
    probe.eventually("it is being worked on", async || !probe.journal("stream").is_empty()).await;
    let last = probe.write_data(r#"{"n":0}"#, "key").await;
    probe.eventually("the next is filtered out", async || probe.mapping().await.filtered == 1).await;
    assert_eq!(probe.position().await, None);
    probe.open_gate();
    probe.eventually("the checkpoint catches up", async || probe.position().await.as_ref() == Some(&last)).await;
}

#[tokio::test]
async fn changes_of_a_table_are_filtered_and_not_reread_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let pattern = r#"{"eventName":["INSERT"],"dynamodb":{"NewImage":{"n":{"N":["1"]}}}}"#;
    let with_data = |directory: &std::path::Path, pattern: &str| {
        let options = options(directory, &[("TablePattern", pattern)]);
        Options { data: Some(directory.join("data")), ..options }
    };
    let first = with_data(directory.path(), pattern);
    let probe = Probe::start_in(directory, first).await;
    probe.put_item(1, "ok").await;
    probe.put_item(0, "ok").await;
    probe.put_item(1, "changed").await;
    let following = async |probe: &Probe| probe.event_source("FollowingChanged").await;
    probe.eventually("two are filtered out", async || following(&probe).await.filtered == 2).await;
    probe.eventually("one is handled", async || following(&probe).await.records == 1).await;
    let directory = probe.stop().await;
    let again = with_data(directory.path(), "");
    let probe = Probe::start_in(directory, again).await;
    probe.put_item(2, "ok").await;
    probe.eventually("the next is delivered", async || following(&probe).await.records == 1).await;
    assert_eq!(probe.journal("table"), [[1], [2]]);
}
