//! Sandboxes: concurrency, reuse, timeouts, crashes and shutdown.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::Probe;

async fn function(probe: &Probe, name: &str) -> paystream_local::FunctionStatus {
    probe.environment.status().await.functions[name].clone()
}

#[tokio::test]
async fn concurrent_requests_have_a_sandbox_each_up_to_the_limit_and_then_wait() {
    let probe = Probe::start().await;
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..5 {
        requests.spawn(probe.client.get(probe.url("/do/wait")).send());
    }
    probe.eventually("three are busy", async || function(&probe, "Answering").await.busy == 3).await;
    probe.open_gate();
    while let Some(response) = requests.join_next().await {
        assert_eq!(response.unwrap().unwrap().status(), 204);
    }
    let status = function(&probe, "Answering").await;
    assert_eq!((status.sandboxes, status.cold_starts, status.invocations), (3, 3, 5));
}

#[tokio::test]
async fn sequential_requests_use_the_same_sandbox() {
    let probe = Probe::start().await;
    for _ in 0..5 {
        assert_eq!(probe.get("/do/echo").await.status(), 200);
    }
    let status = function(&probe, "Answering").await;
    assert_eq!((status.cold_starts, status.invocations, status.errors), (1, 5, 0));
}

#[tokio::test]
async fn a_function_that_times_out_is_killed_and_replaced() {
    let probe = Probe::start().await;
    assert_eq!(probe.get("/impatient/hang").await.status(), 502);
    assert!(probe.log.lock().unwrap().join("\n").contains("Task timed out after 1.00 seconds"));
    assert_eq!(probe.get("/impatient/echo").await.status(), 200);
    let status = function(&probe, "Impatient").await;
    assert_eq!((status.sandboxes, status.cold_starts, status.errors), (1, 2, 1));
}

#[tokio::test]
async fn a_function_that_crashes_is_replaced() {
    let probe = Probe::start().await;
    assert_eq!(probe.get("/do/crash").await.status(), 502);
    assert!(probe.log.lock().unwrap().join("\n").contains("exit status: 3"));
    assert_eq!(probe.get("/do/echo").await.status(), 200);
    assert_eq!(function(&probe, "Answering").await.cold_starts, 2);
}

#[tokio::test]
async fn a_function_whose_init_fails_is_logged_and_restarted_with_backoff() {
    let probe = Probe::start().await;
    for _ in 0..20 {
        assert_eq!(probe.get("/broken").await.status(), 502);
    }
    let log = probe.log.lock().unwrap().join("\n");
    assert!(log.contains("did not start") && log.contains("init failure requested by FAIL_INIT"), "{log}");
    let status = function(&probe, "Broken").await;
    assert!(status.cold_starts < 20, "each failure lengthens the pause before the next try: {status:?}");
    assert_eq!((status.sandboxes, status.errors), (0, 20));
}

#[tokio::test]
async fn a_killed_sandbox_is_replaced_by_the_next_request() {
    let probe = Probe::start().await;
    assert_eq!(probe.get("/do/echo").await.status(), 200);
    assert_eq!(probe.environment.kill_sandboxes("Answering").await, Ok(1));
    assert_eq!(function(&probe, "Answering").await.sandboxes, 0);
    assert_eq!(probe.get("/do/echo").await.status(), 200);
    assert!(probe.environment.kill_sandboxes("Nobody").await.is_err());
}

#[tokio::test]
async fn a_function_has_only_the_variables_of_lambda_and_the_template() {
    let probe = Probe::start().await;
    let variables: BTreeMap<String, String> = probe.get("/do/variables").await.json().await.unwrap();
    assert_eq!(variables["AWS_LAMBDA_FUNCTION_NAME"], "Answering");
    assert_eq!(variables["AWS_ENDPOINT_URL_KINESIS"], probe.environment.kinesis_url());
    assert_eq!(variables["AWS_ENDPOINT_URL_DYNAMODB"], probe.environment.dynamodb_url());
    assert_eq!(variables["OWN_URL"], probe.environment.url(), "the deployed URL of an API becomes the local one");
    assert!(variables.contains_key("GATE"));
    assert!(!variables.contains_key("HOME") && !variables.contains_key("CARGO_MANIFEST_DIR"));
}

#[tokio::test]
async fn shutdown_completes_running_requests_and_stops_listening() {
    let probe = Probe::start().await;
    let response = probe.get("/do/variables").await;
    assert_eq!(response.json::<BTreeMap<String, Value>>().await.unwrap()["_HANDLER"], "bootstrap");
    let (url, client) = (probe.url("/do/echo"), probe.client.clone());
    // A request in flight at shutdown still gets its response.
    let waiting = tokio::spawn(probe.client.get(probe.url("/do/wait")).send());
    probe.eventually("it is in flight", async || function(&probe, "Answering").await.busy == 1).await;
    probe.open_gate();
    probe.stop().await;
    assert_eq!(waiting.await.unwrap().unwrap().status(), 204);
    assert!(client.get(url).send().await.is_err());
}
