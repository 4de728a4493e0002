//! Faults of invocations, as API Gateway and event source mappings see them.

use paystream_local::{Effect, Fault, FaultTarget, FunctionStatus};
use serde_json::Value;

use crate::harness::Probe;

async fn answering(probe: &Probe) -> FunctionStatus {
    probe.environment.status().await.functions["Answering"].clone()
}

/// Returns the status code of one request under this fault, and the function's status afterwards.
async fn request_under(probe: &Probe, effect: Effect) -> (u16, FunctionStatus) {
    probe
        .environment
        .inject(Fault::new(FaultTarget::function("Answering"), effect).operation("Invoke").count(1))
        .unwrap();
    let status = probe.get("/do/log").await.status().as_u16();
    (status, answering(probe).await)
}

/// Counts the runs of the function by its log lines.
fn runs(probe: &Probe) -> usize {
    probe.log.lock().unwrap().iter().filter(|line| line.contains("probed")).count()
}

#[tokio::test]
async fn an_error_fails_the_invocation_without_running_the_function() {
    let probe = Probe::start().await;
    let (status, function) = request_under(&probe, Effect::error("Runtime.OutOfMemory")).await;
    assert_eq!((status, function.invocations, function.errors, function.cold_starts), (502, 1, 1, 0));
    let log = probe.log.lock().unwrap().join("\n");
    assert!(log.contains("probe-function failed: Runtime.OutOfMemory: injected fault"), "{log}");
}

#[tokio::test]
async fn throttling_is_a_429_and_no_invocation() {
    let probe = Probe::start().await;
    let (status, function) = request_under(&probe, Effect::Throttle).await;
    assert_eq!((status, function.invocations, function.throttles, function.cold_starts), (429, 0, 1, 0));
    assert_eq!(probe.get("/do/echo").await.status(), 200);
}

#[tokio::test]
async fn a_reset_before_the_invocation_has_no_effect_and_one_after_it_loses_the_response() {
    let probe = Probe::start().await;
    let (status, function) = request_under(&probe, Effect::reset_before()).await;
    assert_eq!((status, function.errors, function.cold_starts, runs(&probe)), (502, 1, 0, 0));
    let (status, function) = request_under(&probe, Effect::reset_after()).await;
    assert_eq!((status, function.errors, function.cold_starts, function.sandboxes), (502, 2, 1, 1));
    probe.eventually("it has run", async || runs(&probe) == 1).await;
}

#[tokio::test]
async fn a_sandbox_is_killed_before_it_gets_the_event_or_after_it_responded() {
    let probe = Probe::start().await;
    assert_eq!(probe.get("/do/echo").await.status(), 200);
    let (status, function) = request_under(&probe, Effect::kill_before()).await;
    assert_eq!((status, function.errors, function.cold_starts, function.sandboxes), (502, 1, 1, 0));
    assert_eq!(runs(&probe), 0);
    let (status, function) = request_under(&probe, Effect::kill_after()).await;
    assert_eq!((status, function.errors, function.cold_starts, function.sandboxes), (502, 2, 2, 0));
    assert_eq!(runs(&probe), 1);
    let log = probe.log.lock().unwrap().join("\n");
    assert_eq!(log.matches("ended during the invocation: signal: 9 (SIGKILL)").count(), 2, "{log}");
    assert_eq!(probe.get("/do/echo").await.status(), 200);
}

#[tokio::test]
async fn a_batch_whose_invocation_failed_is_redelivered() {
    for (effect, given) in [
        (Effect::error("Runtime.Unknown"), 1),
        (Effect::Throttle, 1),
        (Effect::reset_before(), 1),
        (Effect::kill_before(), 1),
        (Effect::reset_after(), 2),
        (Effect::kill_after(), 2),
        (Effect::LatencyMs(1), 1),
    ] {
        let probe = Probe::start().await;
        probe.environment.inject(Fault::new(FaultTarget::function("Consuming"), effect.clone()).count(1)).unwrap();
        probe.write(&[(0, "ok"), (1, "ok")]).await;
        probe.handled(2).await;
        assert_eq!(probe.journal("stream"), vec![vec![0, 1]; given], "{effect:?}");
    }
}

#[tokio::test]
async fn a_batch_discarded_after_a_lost_invocation_reports_the_reset() {
    let probe = Probe::start_with(&[("Retries", "1")]).await;
    probe.environment.inject(Fault::new(FaultTarget::function("Consuming"), Effect::reset_before())).unwrap();
    probe.write(&[(0, "ok")]).await;
    probe.eventually("it is discarded", async || probe.mapping().await.given_up == 1).await;
    let context: Value = probe.environment.failures().failures[0].record["responseContext"].clone();
    assert_eq!(context["errorType"], "ServiceException");
    assert_eq!(context["errorMessage"], "ServiceException: the connection was reset before the function ran");
}
