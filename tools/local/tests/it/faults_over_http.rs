//! The routes under `/_local/faults`, and faults of emulators without functions.

use paystream_local::{Effect, Emulators, Fault, FaultTarget, InjectedFault, InvalidFault, Service, Template};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::harness::{Probe, options};

async fn send(probe: &Probe, method: Method, path: &str, body: &Value) -> Response {
    probe.client.request(method, probe.url(path)).body(body.to_string()).send().await.unwrap()
}

#[tokio::test]
async fn faults_are_injected_listed_and_deleted() {
    let probe = Probe::start().await;
    let one = json!({"target": "Answering", "effect": {"error": {"code": "Boom"}}, "count": 1});
    let response = send(&probe, Method::POST, "/_local/faults", &one).await;
    assert_eq!((response.status().as_u16(), response.json::<Value>().await.unwrap()), (201, json!({"ids": [1]})));
    let two = json!([
        {"target": "kinesis", "operation": "PutRecords", "effect": {"partial": 0.5}, "seed": 3},
        {"target": "dynamodb", "from": "Answering", "effect": "throttle", "skip": 2, "probability": 0.25},
    ]);
    let response = send(&probe, Method::POST, "/_local/faults", &two).await;
    assert_eq!(response.json::<Value>().await.unwrap(), json!({"ids": [2, 3]}));
    assert_eq!(
        (probe.get("/do/echo").await.status(), probe.get("/do/echo").await.status()),
        (502.try_into().unwrap(), 200.try_into().unwrap())
    );

    let listed: Value = probe.get("/_local/faults").await.json().await.unwrap();
    assert_eq!((&listed[0]["id"], &listed[0]["matched"], &listed[0]["struck"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(listed[0]["fault"]["effect"], one["effect"]);
    assert_eq!(
        listed[2]["fault"],
        json!({"target": "dynamodb", "operation": "*", "from": "Answering", "effect": "throttle", "skip": 2, "probability": 0.25, "seed": 0})
    );
    let listed: Vec<InjectedFault> = serde_json::from_value(listed).unwrap();
    assert_eq!(listed, probe.environment.faults());

    assert_eq!(send(&probe, Method::DELETE, "/_local/faults/2", &Value::Null).await.status(), 204);
    for missing in ["/_local/faults/2", "/_local/faults/x"] {
        assert_eq!(send(&probe, Method::DELETE, missing, &Value::Null).await.status(), 404);
    }
    assert_eq!(probe.environment.faults().len(), 2);
    assert_eq!(send(&probe, Method::DELETE, "/_local/faults", &Value::Null).await.status(), 204);
    assert!(probe.environment.faults().is_empty());
    // An id is never reused.
    let response = send(&probe, Method::POST, "/_local/faults", &one).await;
    assert_eq!(response.json::<Value>().await.unwrap(), json!({"ids": [4]}));
}

#[tokio::test]
async fn a_list_with_an_invalid_fault_injects_nothing() {
    let probe = Probe::start().await;
    let good = json!({"target": "kinesis", "effect": "throttle"});
    for (bad, expected) in [
        (
            json!([good, {"target": "Nobody", "effect": "throttle"}]),
            "target: unknown function or API \"Nobody\"; known are Answering, ",
        ),
        (json!([good, {"target": "kinesis", "effect": {"explode": 1}}]), "[1]: unknown variant `explode`"),
        (json!([good, ["kinesis"]]), "[1]: a fault is {\"target\": "),
        (json!("kinesis"), "a fault is {\"target\": "),
        (Value::from(vec![good.clone(); 1001]), "at most 1000 faults can be injected"),
    ] {
        let response = send(&probe, Method::POST, "/_local/faults", &bad).await;
        assert_eq!(response.status(), 400);
        let refusal: Value = response.json().await.unwrap();
        assert!(refusal["message"].as_str().unwrap().starts_with(expected), "{refusal}");
        assert!(probe.environment.faults().is_empty());
    }
    let long = "x".repeat(1024 * 1024);
    assert_eq!(send(&probe, Method::POST, "/_local/faults", &json!({"target": long})).await.status(), 413);
}

#[tokio::test]
async fn emulators_without_functions_identify_callers_by_access_key() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(directory.path(), &[]);
    let emulators = Emulators::start(Template::load(&options.template, &options.parameters).unwrap()).await.unwrap();
    let list_tables = async |key: &str| {
        let request = reqwest::Client::new().post(emulators.dynamodb_url()).body("{}");
        let request =
            request.header("content-type", "application/x-amz-json-1.0").header("x-amz-date", "20260101T000000Z");
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/any/aws4_request, SignedHeaders=host, Signature=0"
        );
        let request =
            request.header("x-amz-target", "DynamoDB_20120810.ListTables").header("authorization", credential);
        request.send().await.unwrap().status().as_u16()
    };
    emulators.inject(Fault::new(FaultTarget::DynamoDb, Effect::Throttle).from("one")).unwrap();
    assert_eq!((list_tables("one").await, list_tables("two").await), (400, 200));
    assert_eq!(emulators.faults()[0].struck, 1);
    emulators.clear_faults();
    assert_eq!(list_tables("one").await, 200);
    let calls = emulators.calls();
    let counts = ["one", "two"].map(|key| calls.count(key, Service::DynamoDb, "ListTables"));
    assert_eq!(counts, [1, 1]);
    emulators.reset_calls();
    assert_eq!(emulators.calls().total(), 0);
    let kill = emulators.inject(Fault::new(FaultTarget::Kinesis, Effect::kill_before()));
    assert_eq!(kill, Err(InvalidFault::NothingToKill));
    let none = emulators.inject(Fault::new(FaultTarget::function("Answering"), Effect::Throttle)).unwrap_err();
    assert_eq!(none.to_string(), "target: unknown function or API \"Answering\"; none are known here");
}
