//! Faults of API requests, as the client sees them.

use paystream_local::{Effect, ErrorAnswer, Fault, FaultTarget, InvalidFault};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::harness::Probe;

fn fault(effect: Effect) -> Fault {
    Fault::new(FaultTarget::api("ProbeApi"), effect)
}

async fn invocations(probe: &Probe) -> u64 {
    probe.environment.status().await.functions["Answering"].invocations
}

/// Signs a request as a sandbox of that function does.
fn as_function(request: RequestBuilder, function: &str) -> RequestBuilder {
    let credential = format!("Credential={function}.sandbox/20260101/us-east-1/execute-api/aws4_request");
    request.header("authorization", format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"))
}

#[tokio::test]
async fn an_error_has_the_format_of_api_gateway_and_the_function_does_not_run() {
    let probe = Probe::start().await;
    let unavailable = ErrorAnswer { code: "Down".to_owned(), message: Some("gone".to_owned()), status: Some(503) };
    for (effect, status, message) in [
        (Effect::Error(unavailable), 503, "gone"),
        (Effect::error("InternalServerError"), 500, "injected fault"),
        (Effect::Throttle, 429, "Too Many Requests"),
    ] {
        probe.environment.inject(fault(effect).count(1)).unwrap();
        let response = probe.get("/do/echo").await;
        assert_eq!(
            (response.status().as_u16(), response.json::<Value>().await.unwrap()),
            (status, json!({"message": message}))
        );
    }
    assert_eq!(invocations(&probe).await, 0);
    assert_eq!(probe.get("/do/echo").await.status(), 200);
}

#[tokio::test]
async fn a_connection_is_reset_before_or_after_the_function_runs() {
    let probe = Probe::start().await;
    for (effect, ran) in [(Effect::reset_before(), 0), (Effect::reset_after(), 1)] {
        probe.environment.inject(fault(effect).count(1)).unwrap();
        let broken = probe.client.get(probe.url("/do/echo")).send().await.unwrap_err();
        assert!(broken.is_request(), "{broken:?}");
        assert_eq!(invocations(&probe).await, ran);
    }
    assert_eq!(probe.get("/do/echo").await.status(), 200);
}

#[tokio::test]
async fn a_fault_of_a_route_strikes_only_that_route() {
    let probe = Probe::start().await;
    probe.environment.inject(fault(Effect::LatencyMs(1)).operation("GET /items/{id}")).unwrap();
    for path in ["/do/echo", "/items/1", "/items/2"] {
        assert_eq!(probe.get(path).await.status(), 200);
    }
    assert_eq!(probe.environment.faults()[0].struck, 2);
    let log = probe.log.lock().unwrap().join("\n");
    assert!(log.contains("fault 1 injected: ProbeApi:GET /items/{id}"), "{log}");
    let unknown = probe.environment.inject(fault(Effect::Throttle).operation("GET /items")).unwrap_err();
    assert!(matches!(unknown, InvalidFault::UnknownRoute { .. }), "{unknown}");
}

#[tokio::test]
async fn a_fault_from_a_function_strikes_only_its_requests() {
    let probe = Probe::start().await;
    let body = json!({"target": "ProbeApi", "from": "Other", "effect": "throttle"}).to_string();
    let injected = probe.client.post(probe.url("/_local/faults")).body(body).send().await.unwrap();
    assert_eq!(injected.status(), 201);
    assert_eq!(probe.get("/do/echo").await.status(), 200);
    for (function, status) in [("Other", 429), ("Answering", 200)] {
        let request = as_function(probe.client.get(probe.url("/do/echo")), function);
        assert_eq!(request.send().await.unwrap().status(), status, "{function}");
    }
}
