//! Selection of the system that a command operates on.

use paystream_tests::Paystream;

use crate::paid;

#[tokio::test]
async fn a_deployed_stack_is_found_by_its_outputs_or_by_names() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 2).await;
    paystream.lose_copy(&payments[0]).await;
    let outputs = tempfile::NamedTempFile::new().unwrap();
    let output = |name: &str| serde_json::json!({"OutputKey": name, "OutputValue": name, "Description": "…"});
    let names = ["PaymentsTable", "OrdersTable", "QuarantineTable", "PaymentStream", "FailuresBucket", "PaymentsUrl"];
    std::fs::write(outputs.path(), serde_json::json!(names.map(output)).to_string()).unwrap();
    let by_outputs = ["reconcile", "--grace", "0", "--stack-outputs", outputs.path().to_str().unwrap()];
    paystream.command_as_on_aws(&by_outputs, &[]).await.text(1);
    let by_names = ["reconcile", "--grace", "0", "--payments-table", "PaymentsTable", "--orders-table", "OrdersTable"];
    paystream.command_as_on_aws(&by_names, &[]).await.text(1);
    paystream.command_as_on_aws(&[&by_outputs[..], &["--repair", "--wait"]].concat(), &[]).await.text(0);
    paystream.command_as_on_aws(&by_names, &[]).await.text(0);
}

#[tokio::test]
async fn missing_resources_are_reported_with_the_options_that_name_them() {
    let paystream = Paystream::start().await;
    let half = paystream.command_as_on_aws(&["reconcile", "--orders-table", "OrdersTable"], &[]).await;
    assert_eq!(half.code, 2);
    for part in ["PaymentsTable", "--payments-table NAME", "--stack-outputs FILE"] {
        assert!(half.stderr.contains(part), "{}", half.stderr);
    }
    let nowhere = paystream.command_as_on_aws(&["reconcile", "--url", "http://127.0.0.1:1"], &[]).await;
    assert_eq!(nowhere.code, 2);
    for part in ["http://127.0.0.1:1", "cargo run", "--url", "--stack-outputs"] {
        assert!(nowhere.stderr.contains(part), "{}", nowhere.stderr);
    }
    let missing = paystream.command_as_on_aws(&["quarantine", "list", "--quarantine-table", "not-there"], &[]).await;
    assert_eq!(missing.code, 2);
    for part in ["not-there", "ResourceNotFound", "AWS_REGION"] {
        assert!(missing.stderr.contains(part), "{}", missing.stderr);
    }
}
