//! The processes of a function: how many there are, and what becomes of them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::Probe;

async fn function(probe: &Probe, name: &str) -> paystream_local::FunctionStatus {
    probe.environment.status().await.functions[name].clone()
}

#[tokio::test]
async fn requests_at_once_have_a_sandbox_each_up_to_the_bound_and_then_wait() {
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
async fn one_request_after_another_uses_the_same_sandbox() {
    let probe = Probe::start().await;
    for _ in 0..5 {
        assert_eq!(probe.get("/do/echo").await.status(), 200);
    }
    let status = function(&probe, "Answering").await;
    assert_eq!((status.cold_starts, status.invocations, status.errors), (1, 5, 0));
}

#[tokio::test]
async fn a_function_that_does_not_answer_in_time_is_killed_and_replaced() {
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
async fn a_function_that_does_not_start_says_why_and_is_not_started_over_and_over() {
    let probe = Probe::start().await;
    for _ in 0..20 {
        assert_eq!(probe.get("/broken").await.status(), 502);
    }
    let log = probe.log.lock().unwrap().join("\n");
    assert!(log.contains("did not start") && log.contains("this function was told not to start"), "{log}");
    let status = function(&probe, "Broken").await;
    assert!(status.cold_starts < 20, "each failure lengthens the pause before the next try: {status:?}");
    assert_eq!((status.sandboxes, status.errors), (0, 20));
}

#[tokio::test]
async fn a_killed_sandbox_is_not_missed() {
    let probe = Probe::start().await;
    assert_eq!(probe.get("/do/echo").await.status(), 200);
    assert_eq!(probe.environment.kill_sandboxes("Answering").await, Ok(1));
    assert_eq!(function(&probe, "Answering").await.sandboxes, 0);
    assert_eq!(probe.get("/do/echo").await.status(), 200);
    assert!(probe.environment.kill_sandboxes("Nobody").await.is_err());
}

#[tokio::test]
async fn a_function_sees_what_lambda_and_the_template_give_it_and_nothing_else() {
    let probe = Probe::start().await;
    let variables: BTreeMap<String, String> = probe.get("/do/variables").await.json().await.unwrap();
    assert_eq!(variables["AWS_LAMBDA_FUNCTION_NAME"], "Answering");
    assert_eq!(variables["AWS_ENDPOINT_URL_KINESIS"], probe.environment.kinesis_url());
    assert_eq!(variables["AWS_ENDPOINT_URL_DYNAMODB"], probe.environment.dynamodb_url());
    assert_eq!(
        variables["OWN_URL"],
        probe.environment.url(),
        "the deployed URL of an API becomes that of this machine"
    );
    assert!(variables.contains_key("GATE"));
    assert!(!variables.contains_key("HOME") && !variables.contains_key("CARGO_MANIFEST_DIR"));
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let probe = Probe::start().await;
    let response = probe.get("/do/variables").await;
    assert_eq!(response.json::<BTreeMap<String, Value>>().await.unwrap()["_HANDLER"], "bootstrap");
    let (url, client) = (probe.url("/do/echo"), probe.client.clone());
    // A request that is under way when the environment is told to stop is still answered.
    let waiting = tokio::spawn(probe.client.get(probe.url("/do/wait")).send());
    probe.eventually("it is under way", async || function(&probe, "Answering").await.busy == 1).await;
    probe.open_gate();
    probe.stop().await;
    assert_eq!(waiting.await.unwrap().unwrap().status(), 204);
    assert!(client.get(url).send().await.is_err());
}
