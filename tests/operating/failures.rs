//! `paystream failures`: batches in the on-failure destination.

use std::path::{Path, PathBuf};

use paystream_local::{Fault, Options};
use paystream_tests::{Paystream, eur, workspace};
use serde_json::{Value, json};

/// A system whose event source mappings do not retry.
async fn without_retries() -> Paystream {
    without_retries_and_with(&[]).await
}

/// The same with template parameters.
pub(crate) async fn without_retries_and_with(parameters: &[(&str, &str)]) -> Paystream {
    let template = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let without_retries = template.replace("MaximumRetryAttempts: -1", "MaximumRetryAttempts: 0");
    assert_ne!(template, without_retries);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("template.yaml");
    // Included files are resolved relative to the template.
    std::os::unix::fs::symlink(workspace().join("infra"), directory.path().join("infra")).unwrap();
    std::fs::write(&path, without_retries).unwrap();
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Paystream::start_with_options(Options { template: path, parameters, ..Options::default() }).await
}

pub(crate) fn inject(paystream: &Paystream, fault: Value) {
    paystream.inject(serde_json::from_value::<Fault>(fault).unwrap());
}

/// Waits until the on-failure destination has `count` records, and returns the failed batches.
pub(crate) async fn failed_batches(paystream: &Paystream, count: usize) -> Vec<Value> {
    Paystream::eventually("batches are in the on-failure destination", async || {
        let listed = paystream.command(&["failures", "list", "--json"]).await.json(0);
        let failures = listed["failures"].as_array().unwrap().clone();
        (failures.iter().filter_map(|failure| failure["records"].as_u64()).sum::<u64>() >= count as u64)
            .then_some(failures)
    })
    .await
}

/// Three payments whose batches failed in the projector. The projector works again.
async fn three_failed() -> (Paystream, Vec<Value>) {
    let paystream = without_retries().await;
    inject(&paystream, json!({"target": "OrderProjector", "effect": {"error": {"code": "Broken"}}}));
    let mut payments = Vec::new();
    for n in 0..3 {
        payments.push(paystream.pay(&format!("ord-{n}"), &eur(1299), "tok_approve").await);
    }
    failed_batches(&paystream, 3).await;
    paystream.heal();
    (paystream, payments)
}

async fn all_arrive(paystream: &Paystream, payments: &[Value]) {
    for payment in payments {
        paystream.payment_arrives(payment["order_id"].as_str().unwrap(), payment).await;
    }
    paystream.command(&["reconcile", "--grace", "0"]).await.text(0);
}

#[tokio::test]
async fn failed_stream_batches_are_listed_and_arrive_after_a_redrive() {
    let (paystream, payments) = three_failed().await;
    let failures = failed_batches(&paystream, 3).await;
    for failure in &failures {
        assert_eq!((&failure["kind"], &failure["has_payload"]), (&json!("kinesis"), &json!(true)));
        assert_eq!(failure["condition"], "RetryAttemptsExhausted");
    }
    let text = paystream.command(&["failures", "list"]).await.text(0);
    assert!(text.contains("3 records") && text.contains(failures[0]["id"].as_str().unwrap()), "{text}");

    let dry = paystream.command(&["failures", "redrive", "--all", "--dry-run", "--json"]).await.json(0);
    let records = |report: &Value| {
        let failures = report["failures"].as_array().unwrap().iter();
        failures.map(|failure| failure["records"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(records(&dry), 3);
    paystream.command(&["reconcile", "--grace", "0"]).await.text(1);

    let sent = paystream.command(&["failures", "redrive", "--all", "--json"]).await.json(0);
    assert_eq!(records(&sent), 3);
    for failure in sent["failures"].as_array().unwrap() {
        assert_eq!(failure["is_closed"], true, "{failure}");
        for record in failure["outcomes"].as_array().unwrap() {
            assert_eq!(record["outcome"], "projected", "{failure}");
        }
    }
    all_arrive(&paystream, &payments).await;
    let again = paystream.command(&["failures", "redrive", "--all", "--json"]).await.json(0);
    assert_eq!(again["failures"], json!([]), "a second run resends nothing");
}

#[tokio::test]
async fn a_failed_batch_whose_outcomes_are_not_seen_stays_in_the_list() {
    let paystream = without_retries().await;
    inject(&paystream, json!({"target": "OrderProjector", "effect": {"error": {"code": "Broken"}}}));
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    let failures = failed_batches(&paystream, 1).await;
    let redrive = ["failures", "redrive", failures[0]["id"].as_str().unwrap(), "--json"];
    let sent = paystream.command(&[&redrive[..], &["--no-wait"]].concat()).await.json(1);
    let failure = &sent["failures"][0];
    assert_eq!((&failure["outcomes"][0]["outcome"], &failure["is_closed"]), (&json!("unknown"), &json!(false)));
    // The record that was sent has failed as well, as its own batch.
    assert_eq!(failed_batches(&paystream, 2).await[0]["id"], failures[0]["id"]);
    paystream.heal();
    paystream.command(&["failures", "redrive", "--all"]).await.text(0);
    paystream.payment_arrives("ord-1", &payment).await;
    assert_eq!(paystream.command(&["failures", "list"]).await.text(0), "0 failures with 0 records\n");
}

#[tokio::test]
async fn an_undecodable_record_of_a_failed_batch_ends_in_quarantine_and_not_in_the_bucket_again() {
    let paystream = without_retries().await;
    inject(&paystream, json!({"target": "OrderProjector", "effect": {"error": {"code": "Broken"}}}));
    paystream.put_on_stream("ord-1", b"\xff no event").await;
    let failures = failed_batches(&paystream, 1).await;
    paystream.heal();
    let report = paystream.command(&["failures", "redrive", "--all", "--json"]).await.json(1);
    let failure = &report["failures"][0];
    let (record, number) = (&failure["outcomes"][0], failures[0]["first_sequence_number"].as_str().unwrap());
    assert_eq!(record["id"], format!("{}#{number}", failures[0]["shard_id"].as_str().unwrap()));
    assert_eq!((&record["outcome"], &failure["is_closed"]), (&json!("quarantined_again"), &json!(true)));
    assert_eq!(paystream.quarantined("ord-1").await, [b"\xff no event"]);
    assert_eq!(paystream.command(&["failures", "list"]).await.text(0), "0 failures with 0 records\n");
    let listed = paystream.command(&["quarantine", "list", "--json"]).await.json(0);
    assert_eq!(listed["records"][0]["id"], record["new_id"]);
}

#[tokio::test]
async fn redriving_failed_table_batches_publishes_what_their_payments_have_not_published() {
    let paystream = without_retries().await;
    inject(
        &paystream,
        json!({"target": "kinesis", "from": "PaymentApi", "effect": {"error": {"code": "InternalFailure"}}}),
    );
    inject(&paystream, json!({"target": "PaymentRelay", "effect": {"error": {"code": "Broken"}}}));
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    let id = payment["payment_id"].as_str().unwrap();
    failed_batches(&paystream, 1).await;
    let failures = failed_batches(&paystream, 1).await;
    assert_eq!(failures[0]["kind"], "dynamodb");
    // The payment changes while its failed batch still has the old image.
    let captured = paystream.post(&format!("/payments/{id}/capture"), &json!({})).await.expect(200);

    // The relay is still failing, or it could publish the capture before the command does.
    let sent = paystream.command(&["failures", "redrive", failures[0]["id"].as_str().unwrap(), "--json"]).await.json(0);
    assert_eq!(sent["failures"][0]["payments"][0]["version"], 2, "{sent}");
    assert_eq!(sent["failures"][0]["outcomes"], json!([{"id": id, "outcome": "projected"}]));
    paystream.heal();
    paystream.payment_arrives("ord-1", &captured).await;
    paystream.is_published(id).await;
    let again = paystream.command(&["failures", "redrive", "--all", "--json"]).await.json(0);
    for failure in again["failures"].as_array().unwrap() {
        assert_eq!(failure["payments"], json!([]), "already published: {failure}");
    }
    assert_eq!(paystream.command(&["failures", "list"]).await.text(0), "0 failures with 0 records\n");
}

/// Writes each failed batch to a file, as `aws s3 sync` would.
async fn sync(paystream: &Paystream, directory: &Path) {
    let failures = paystream.get("/_local/failures").await.expect(200);
    for (n, failure) in failures["failures"].as_array().unwrap().iter().enumerate() {
        let path = directory.join(format!("aws/lambda/mapping/shardId-000000000000/2026/11/23/{n}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, failure["record"].to_string()).unwrap();
    }
}

/// All files below a directory.
fn walk(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn failures_can_be_redriven_from_a_directory() {
    let (paystream, payments) = three_failed().await;
    let directory = tempfile::tempdir().unwrap();
    sync(&paystream, directory.path()).await;
    std::fs::write(directory.path().join("notes.txt"), "not a failure").unwrap();
    let from = ["--from-directory", directory.path().to_str().unwrap(), "--json"];
    let listed = paystream.command(&[&["failures", "list"], &from[..]].concat()).await.json(0);
    assert_eq!(listed["unreadable"][0]["id"], "notes.txt");
    paystream.command(&[&["failures", "redrive", "--all"], &from[..]].concat()).await.json(0);
    all_arrive(&paystream, &payments).await;
    let listed = paystream.command(&[&["failures", "list"], &from[..]].concat()).await.json(0);
    assert_eq!((&listed["failures"], &listed["unreadable"][0]["id"]), (&json!([]), &json!("notes.txt")));
    let kept = walk(directory.path()).into_iter().filter(|path| path.extension().is_some_and(|end| end == "redriven"));
    assert!(kept.count() > 0, "the files are kept under another name");
}

#[tokio::test]
async fn a_failure_of_another_stream_is_not_put_on_this_one() {
    let (paystream, _) = three_failed().await;
    let directory = tempfile::tempdir().unwrap();
    let failures = paystream.get("/_local/failures").await.expect(200);
    let mut record = failures["failures"][0]["record"].clone();
    record["KinesisBatchInfo"]["streamArn"] = json!("arn:aws:kinesis:us-east-1:123456789012:stream/another-stream");
    std::fs::write(directory.path().join("one"), record.to_string()).unwrap();
    let from = directory.path().to_str().unwrap();
    let report = paystream.command(&["failures", "redrive", "one", "--from-directory", from, "--json"]).await.json(1);
    assert!(report["failures"][0]["not_sent"][0]["reason"].as_str().unwrap().contains("another-stream"), "{report}");
    assert_eq!(report["failures"][0]["records"], 0);
}
