//! Event source mappings: delivery, partial batch responses, starting positions and restarts.

use std::time::SystemTime;

use paystream_local::Options;

use crate::harness::{Probe, ok, options};

#[tokio::test]
async fn records_are_delivered_in_order() {
    let probe = Probe::start_with(&[("BatchSize", "7")]).await;
    for start in [0, 20, 40] {
        probe.write(&ok(start..start + 20)).await;
    }
    probe.handled(60).await;
    assert_eq!(probe.journal("stream").concat(), (0..60).collect::<Vec<_>>());
    assert!(probe.journal("stream").iter().all(|batch| batch.len() <= 7));
    let status = probe.mapping().await;
    assert_eq!((status.retries, status.failures, status.given_up), (0, 0, 0));
}

#[tokio::test]
async fn each_shard_keeps_its_order_and_does_not_wait_for_the_others() {
    let probe = Probe::start_with(&[("Shards", "4")]).await;
    // One key waits for the gate. The others are not held up by it.
    probe.write_with_keys(&[(0, "wait")], |_| "stuck".to_owned()).await;
    let others = ok(1..101);
    probe.write_with_keys(&others, |number| format!("key-{}", number % 10)).await;
    probe.eventually("other shards go on", async || probe.mapping().await.records >= 50).await;
    probe.open_gate();
    probe.handled(101).await;
    let delivered = probe.delivered("stream");
    for key in 0..10 {
        let of_key: Vec<i64> = delivered.iter().copied().filter(|number| *number > 0 && number % 10 == key).collect();
        assert!(of_key.is_sorted() && of_key.len() == 10, "{of_key:?}");
    }
}

#[tokio::test]
async fn after_item_failures_the_batch_is_retried_from_the_lowest() {
    let probe = Probe::start().await;
    probe.write(&[(0, "ok"), (1, "ok"), (2, "report-once"), (3, "ok"), (4, "report-once"), (5, "ok")]).await;
    probe.handled(6).await;
    assert_eq!(probe.journal("stream"), [vec![0, 1, 2, 3, 4, 5], vec![2, 3, 4, 5]]);
    let status = probe.mapping().await;
    assert_eq!((status.batches, status.retries, status.failures), (2, 1, 1));
}

#[tokio::test]
async fn a_failed_batch_is_retried_whole_until_it_succeeds() {
    let probe = Probe::start().await;
    probe.write(&[(0, "ok"), (1, "fail-once"), (2, "fail-once")]).await;
    probe.write(&[(3, "ok")]).await;
    probe.handled(4).await;
    let journal = probe.journal("stream");
    assert!(journal[..3].iter().all(|batch| *batch == journal[0]), "{journal:?}");
    assert_eq!(probe.delivered("stream"), [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_batch_whose_function_crashed_is_redelivered() {
    let probe = Probe::start().await;
    probe.write(&[(0, "ok"), (1, "crash-once"), (2, "ok")]).await;
    probe.handled(3).await;
    assert_eq!(probe.journal("stream"), [vec![0, 1, 2], vec![0, 1, 2]]);
}

#[tokio::test]
async fn a_batch_whose_sandbox_was_killed_is_redelivered() {
    let probe = Probe::start().await;
    probe.write(&[(0, "wait")]).await;
    probe.eventually("it is being worked on", async || !probe.journal("stream").is_empty()).await;
    assert_eq!(probe.environment.kill_sandboxes("Consuming").await, Ok(1));
    probe.open_gate();
    probe.handled(1).await;
    assert_eq!(probe.journal("stream"), [[0], [0]]);
}

#[tokio::test]
async fn a_report_that_names_no_record_of_the_batch_fails_all_of_it() {
    for action in ["report-empty-once", "report-unknown-once"] {
        let probe = Probe::start().await;
        probe.write(&[(0, "ok"), (1, action), (2, "ok")]).await;
        probe.handled(3).await;
        assert_eq!(probe.journal("stream"), [[0, 1, 2], [0, 1, 2]], "{action}");
    }
}

#[tokio::test]
async fn item_failures_are_ignored_without_report_batch_item_failures() {
    let probe = Probe::start_with(&[("Reports", "false")]).await;
    probe.write(&[(0, "ok"), (1, "report-always"), (2, "ok")]).await;
    probe.handled(3).await;
    assert_eq!(probe.journal("stream"), [[0, 1, 2]]);
}

#[tokio::test]
async fn a_batch_is_split_at_the_payload_limit() {
    let probe = Probe::start().await;
    // The first record blocks the reader, so that all others are on the stream before they are read.
    probe.write(&[(0, "wait")]).await;
    probe.eventually("it is being worked on", async || !probe.journal("stream").is_empty()).await;
    // Base64 makes each record a third larger in an event, so four fit into 6 MB.
    let padding = "x".repeat(1_000_000);
    for number in 1..7 {
        probe.write_data(&serde_json::json!({"n": number, "padding": padding}).to_string(), "key").await;
    }
    probe.open_gate();
    probe.handled(7).await;
    assert_eq!(probe.journal("stream"), [vec![0], vec![1, 2, 3, 4], vec![5, 6]]);
}

#[tokio::test]
async fn a_batching_window_gathers_records_into_one_batch() {
    let probe = Probe::start_with(&[("BatchingWindow", "300"), ("BatchSize", "3")]).await;
    for number in 0..3 {
        probe.write(&[(number, "ok")]).await;
    }
    probe.handled(3).await;
    assert_eq!(probe.journal("stream"), [[0, 1, 2]], "the batch is full long before the window ends");
}

#[tokio::test]
async fn a_mapping_from_latest_starts_with_the_next_record() {
    let probe = Probe::start_with(&[("Start", "LATEST")]).await;
    probe.write(&ok(0..3)).await;
    probe.handled(3).await;
    assert_eq!(probe.journal("stream").concat(), [0, 1, 2]);
}

#[tokio::test]
async fn the_starting_position_decides_whether_earlier_records_are_delivered() {
    for (start, expected) in [("LATEST", vec![1]), ("TRIM_HORIZON", vec![0, 1])] {
        let directory = tempfile::tempdir().unwrap();
        let with_data = |directory: &std::path::Path, parameters: &[(&str, &str)]| Options {
            data: Some(directory.join("data")),
            ..options(directory, parameters)
        };
        let disabled = with_data(directory.path(), &[("TableEnabled", "false")]);
        let probe = Probe::start_in(directory, disabled).await;
        probe.put_item(0, "ok").await;
        let directory = probe.stop().await;
        let enabled = with_data(directory.path(), &[("TableStart", start)]);
        let probe = Probe::start_in(directory, enabled).await;
        probe.put_item(1, "ok").await;
        probe.eventually("the next is delivered", async || probe.delivered("table").contains(&1)).await;
        assert_eq!(probe.delivered("table"), expected, "{start}");
    }
}

#[tokio::test]
async fn a_mapping_from_a_timestamp_starts_with_records_that_arrived_since() {
    let an_hour_ago = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() - 3_600;
    let timestamp = an_hour_ago.to_string();
    let probe = Probe::start_with(&[("Start", "AT_TIMESTAMP"), ("StartTimestamp", &timestamp)]).await;
    probe.write(&ok(0..3)).await;
    probe.handled(3).await;
    assert_eq!(probe.journal("stream").concat(), [0, 1, 2]);
}

#[tokio::test]
async fn changes_of_a_table_are_delivered() {
    let probe = Probe::start().await;
    for number in 0..5 {
        probe.put_item(number, "ok").await;
    }
    probe.put_item(5, "report-once").await;
    let following = async || probe.environment.status().await.event_sources["FollowingChanged"].records;
    probe.eventually("records are handled", async || following().await == 6).await;
    assert_eq!(probe.delivered("table"), [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn with_a_data_directory_a_restart_resumes_at_the_checkpoint() {
    let directory = tempfile::tempdir().unwrap();
    let with_data =
        |directory: &std::path::Path| Options { data: Some(directory.join("data")), ..options(directory, &[]) };
    let first = with_data(directory.path());
    let probe = Probe::start_in(directory, first).await;
    probe.put_item(0, "ok").await;
    probe.write(&ok(100..110)).await;
    // Records written before the shutdown are handled before it completes.
    let directory = probe.stop().await;
    let again = with_data(directory.path());
    let probe = Probe::start_in(directory, again).await;
    assert_eq!(probe.journal("stream").concat(), (100..110).collect::<Vec<_>>());
    assert_eq!(probe.environment.status().await.tables["ProbeItemsTable"].items, Some(1));
    probe.put_item(1, "ok").await;
    probe.eventually("the second is delivered", async || probe.journal("table").concat().contains(&1)).await;
    assert_eq!(probe.journal("table").concat(), [0, 1], "the first is not redelivered");
}
