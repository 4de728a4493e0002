//! `paystream failures`.

use std::path::Path;

use paystream_local::Fault;
use paystream_tests::{Paystream, eur, workspace};
use serde_json::{Value, json};

/// A Paystream whose event sources give up at once.
async fn impatient() -> Paystream {
    let template = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let impatient = template.replace("MaximumRetryAttempts: -1", "MaximumRetryAttempts: 0");
    assert_ne!(template, impatient);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("template.yaml");
    // What the template includes is looked for beside it.
    std::os::unix::fs::symlink(workspace().join("infra"), directory.path().join("infra")).unwrap();
    std::fs::write(&path, impatient).unwrap();
    Paystream::start_of(&path).await
}

fn inject(paystream: &Paystream, fault: Value) {
    paystream.inject(serde_json::from_value::<Fault>(fault).unwrap());
}

async fn given_up(paystream: &Paystream, count: usize) -> Vec<Value> {
    Paystream::eventually("batches are given up", async || {
        let listed = paystream.command(&["failures", "list", "--json"]).await.json(0);
        let failures = listed["failures"].as_array().unwrap().clone();
        (failures.iter().filter_map(|failure| failure["records"].as_u64()).sum::<u64>() >= count as u64)
            .then_some(failures)
    })
    .await
}

/// Three payments that the projector gave up on, which works again.
async fn three_lost() -> (Paystream, Vec<Value>) {
    let paystream = impatient().await;
    inject(&paystream, json!({"target": "OrderProjector", "effect": {"error": {"code": "Broken"}}}));
    let mut payments = Vec::new();
    for n in 0..3 {
        payments.push(paystream.pay(&format!("ord-{n}"), &eur(1299), "tok_approve").await);
    }
    given_up(&paystream, 3).await;
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
async fn batches_of_the_stream_are_listed_and_delivered_after_they_are_redriven() {
    let (paystream, payments) = three_lost().await;
    let failures = given_up(&paystream, 3).await;
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
    all_arrive(&paystream, &payments).await;
}

#[tokio::test]
async fn batches_of_the_table_publish_what_is_still_unpublished_as_it_is_now() {
    let paystream = impatient().await;
    inject(
        &paystream,
        json!({"target": "kinesis", "from": "PaymentApi", "effect": {"error": {"code": "InternalFailure"}}}),
    );
    inject(&paystream, json!({"target": "PaymentRelay", "effect": {"error": {"code": "Broken"}}}));
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    let id = payment["payment_id"].as_str().unwrap();
    given_up(&paystream, 1).await;
    let failures = given_up(&paystream, 1).await;
    assert_eq!(failures[0]["kind"], "dynamodb");
    // It goes on meanwhile; what is given up shows it as it was.
    let captured = paystream.post(&format!("/payments/{id}/capture"), &json!({})).await.expect(200);

    // The relay is still failing, or it could publish the capture before the command does.
    let sent = paystream.command(&["failures", "redrive", failures[0]["id"].as_str().unwrap(), "--json"]).await.json(0);
    assert_eq!(sent["failures"][0]["payments"][0]["version"], 2, "{sent}");
    paystream.heal();
    paystream.payment_arrives("ord-1", &captured).await;
    paystream.is_published(id).await;
    let again = paystream.command(&["failures", "redrive", "--all", "--json"]).await.json(0);
    assert_eq!(again["failures"][0]["payments"], json!([]), "it is published by now");
}

/// Writes each failure into a file of its own, as `aws s3 sync` would.
async fn sync(paystream: &Paystream, directory: &Path) {
    let failures = paystream.get("/_local/failures").await.expect(200);
    for (n, failure) in failures["failures"].as_array().unwrap().iter().enumerate() {
        let path = directory.join(format!("aws/lambda/mapping/shardId-000000000000/2026/11/23/{n}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, failure["record"].to_string()).unwrap();
    }
}

#[tokio::test]
async fn failures_are_redriven_from_a_directory_too() {
    let (paystream, payments) = three_lost().await;
    let directory = tempfile::tempdir().unwrap();
    sync(&paystream, directory.path()).await;
    std::fs::write(directory.path().join("notes.txt"), "no failure").unwrap();
    let from = ["--from-directory", directory.path().to_str().unwrap(), "--json"];
    let listed = paystream.command(&[&["failures", "list"], &from[..]].concat()).await.json(0);
    assert_eq!(listed["unreadable"][0]["id"], "notes.txt");
    paystream.command(&[&["failures", "redrive", "--all"], &from[..]].concat()).await.json(0);
    all_arrive(&paystream, &payments).await;
}

#[tokio::test]
async fn a_failure_of_another_stream_is_not_put_on_this_one() {
    let (paystream, _) = three_lost().await;
    let directory = tempfile::tempdir().unwrap();
    let failures = paystream.get("/_local/failures").await.expect(200);
    let mut record = failures["failures"][0]["record"].clone();
    record["KinesisBatchInfo"]["streamArn"] = json!("arn:aws:kinesis:us-east-1:123456789012:stream/of-somebody-else");
    std::fs::write(directory.path().join("one"), record.to_string()).unwrap();
    let from = directory.path().to_str().unwrap();
    let report = paystream.command(&["failures", "redrive", "one", "--from-directory", from, "--json"]).await.json(1);
    assert!(report["failures"][0]["not_sent"][0]["reason"].as_str().unwrap().contains("of-somebody-else"), "{report}");
    assert_eq!(report["failures"][0]["records"], 0);
}
