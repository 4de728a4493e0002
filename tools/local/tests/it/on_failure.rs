//! Retries, bisecting, record age, and the on-failure destination.

use std::time::Duration;

use paystream_local::{Effect, Fault, FaultTarget, Options};
use serde_json::{Value, json};

use crate::harness::{Probe, ok, options};

#[tokio::test]
async fn bisecting_isolates_the_record_that_fails() {
    let probe = Probe::start_with(&[("Bisect", "true"), ("Retries", "0")]).await;
    let mut records = ok(0..16);
    records[11].1 = "fail-always";
    probe.write(&records).await;
    probe.handled(15).await;
    assert_eq!(probe.mapping().await.given_up, 1);
    let failures = probe.environment.failures().failures;
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].record["KinesisBatchInfo"]["batchSize"], 1);
}

#[tokio::test]
async fn with_bisecting_a_batch_is_split_at_the_reported_record_which_consumes_no_attempt() {
    let probe = Probe::start_with(&[("Bisect", "true"), ("Retries", "0")]).await;
    let mut records = ok(0..8);
    records[5].1 = "report-once";
    probe.write(&records).await;
    probe.handled(8).await;
    assert_eq!(probe.journal("stream"), [vec![0, 1, 2, 3, 4, 5, 6, 7], vec![5, 6, 7]]);
    assert_eq!(probe.mapping().await.given_up, 0);
}

#[tokio::test]
async fn a_throttled_invocation_consumes_no_attempt() {
    let probe = Probe::start_with(&[("Retries", "0")]).await;
    probe.environment.inject(Fault::new(FaultTarget::function("Consuming"), Effect::Throttle).count(3)).unwrap();
    probe.write(&ok(0..2)).await;
    probe.handled(2).await;
    let status = probe.mapping().await;
    assert_eq!((status.batches, status.given_up), (1, 0));
    assert_eq!(probe.environment.status().await.functions["Consuming"].throttles, 3);
}

#[tokio::test]
async fn a_batch_is_attempted_once_plus_its_retries() {
    let probe = Probe::start_with(&[("Retries", "2")]).await;
    probe.write(&[(0, "fail-always")]).await;
    probe.eventually("it is discarded", async || probe.mapping().await.given_up == 1).await;
    assert_eq!(probe.journal("stream"), [[0], [0], [0]]);
}

/// Starts an environment whose clock makes records appear older by this many seconds. The maximum record age is 60
/// seconds.
async fn with_age(age_s: u64) -> Probe {
    let directory = tempfile::tempdir().unwrap();
    let options = options(directory.path(), &[("RecordAge", "60")]);
    Probe::start_in(directory, Options { clock_ahead: Duration::from_secs(age_s), ..options }).await
}

#[tokio::test]
async fn a_record_that_is_too_old_is_discarded_without_being_delivered() {
    let probe = with_age(120).await;
    probe.write(&ok(0..3)).await;
    probe.eventually("they are discarded", async || probe.mapping().await.given_up == 3).await;
    assert!(probe.journal("stream").is_empty());
    let record = &probe.environment.failures().failures[0].record;
    assert_eq!(record["requestContext"]["condition"], "RecordAgeExceeded");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 0);
    assert_eq!(record["KinesisBatchInfo"]["batchSize"], 3);
}

#[tokio::test]
async fn a_failing_record_is_retried_until_it_is_too_old() {
    // The record is too old within two seconds. Arrival times are whole seconds.
    let probe = with_age(58).await;
    probe.write(&[(0, "fail-always")]).await;
    probe.eventually("it is discarded", async || probe.mapping().await.given_up == 1).await;
    let record = &probe.environment.failures().failures[0].record;
    assert_eq!(record["requestContext"]["condition"], "RecordAgeExceeded");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], probe.journal("stream").len());
    assert!(probe.journal("stream").len() > 1);
}

#[tokio::test]
async fn a_discarded_batch_is_kept_with_its_payload_and_the_shard_goes_on() {
    let probe = Probe::start_with(&[("Retries", "2")]).await;
    probe.write(&[(0, "ok"), (1, "report-always"), (2, "ok")]).await;
    probe.eventually("it is discarded", async || probe.mapping().await.given_up == 2).await;
    probe.write(&[(3, "ok")]).await;
    probe.handled(2).await;
    let failures: Value = probe.get("/_local/failures").await.json().await.unwrap();
    assert_eq!(failures["failures"].as_array().unwrap().len(), 1);
    let batch = &failures["failures"][0];
    assert_eq!((&batch["bucket"], &batch["event_source"]), (&json!("ProbeFailures"), &json!("ConsumingWritten")));
    let record = &batch["record"];
    assert_eq!(record["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(record["KinesisBatchInfo"]["shardId"], "shardId-000000000000");
    let payload: Value = serde_json::from_str(record["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload["Records"].as_array().unwrap().len(), 2, "from the record that fails to the end of the batch");

    let id = record["requestContext"]["requestId"].as_str().unwrap();
    let url = probe.url(&format!("/_local/failures/{id}"));
    let remove = async || probe.client.delete(&url).send().await.unwrap().status();
    assert_eq!((remove().await.as_u16(), remove().await.as_u16()), (204, 404), "it is removed once");
    assert!(probe.environment.failures().failures.is_empty());
}

/// Returns the names of a record's members, `outer.inner` for nested ones.
fn names(record: &Value) -> Vec<String> {
    let members = record.as_object().unwrap().iter();
    let inside = |(name, value): (&String, &Value)| match value.as_object() {
        Some(members) => members.keys().map(|member| format!("{name}.{member}")).collect(),
        None => vec![name.clone()],
    };
    members.flat_map(inside).collect()
}

#[tokio::test]
async fn a_failed_batch_is_stored_in_the_s3_destination_format_with_all_that_a_redrive_needs() {
    let probe = Probe::start_with(&[("Retries", "0")]).await;
    probe.write_data(r#"{"n":1,"do":"fail-always"}"#, "ord-1").await;
    probe.put_item(2, "fail-always").await;
    probe.eventually("both are discarded", async || probe.environment.failures().failures.len() == 2).await;
    for failed in &probe.environment.failures().failures {
        let (record, is_kinesis) = (&failed.record, failed.event_source == "ConsumingWritten");
        let info = if is_kinesis { "KinesisBatchInfo" } else { "DDBStreamBatchInfo" };
        let infos = [
            "approximateArrivalOfFirstRecord",
            "approximateArrivalOfLastRecord",
            "batchSize",
            "endSequenceNumber",
            "shardId",
            "startSequenceNumber",
            "streamArn",
        ];
        let mut expected: Vec<String> = infos.map(|name| format!("{info}.{name}")).into();
        expected.extend(
            [
                "payload",
                "requestContext.approximateInvokeCount",
                "requestContext.condition",
                "requestContext.functionArn",
                "requestContext.requestId",
                "responseContext.errorMessage",
                "responseContext.errorType",
                "responseContext.executedVersion",
                "responseContext.functionError",
                "responseContext.statusCode",
                "timestamp",
                "version",
            ]
            .map(str::to_owned),
        );
        assert_eq!(names(record), expected);
        let payload: Value = serde_json::from_str(record["payload"].as_str().unwrap()).unwrap();
        let event = &payload["Records"][0];
        let (number, function) = if is_kinesis {
            assert_eq!(
                (&event["kinesis"]["partitionKey"], &event["kinesis"]["data"]),
                (&json!("ord-1"), &json!("eyJuIjoxLCJkbyI6ImZhaWwtYWx3YXlzIn0="))
            );
            (&event["kinesis"]["sequenceNumber"], "function:Consuming")
        } else {
            assert_eq!(event["dynamodb"]["NewImage"]["n"]["N"], "2");
            (&event["dynamodb"]["SequenceNumber"], "function:Following")
        };
        assert_eq!((&record[info]["startSequenceNumber"], &record[info]["endSequenceNumber"]), (number, number));
        assert_eq!(record[info]["streamArn"], event["eventSourceARN"]);
        assert!(record["requestContext"]["functionArn"].as_str().unwrap().ends_with(function));
    }
}
