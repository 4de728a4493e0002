//! Requests that browsers send for pages of other websites, to every listener except the API routes.

use paystream_local::{Effect, Emulators, Fault, FaultTarget, Service, Template};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Probe, SIGNATURE, options};

type Headers<'a> = &'a [(&'a str, &'a str)];

/// Header sets that reveal a page of another website. Each set alone is sufficient.
const FOREIGN: [Headers; 7] = [
    &[("origin", "http://evil.test")],
    &[("origin", "null")],
    &[("origin", "http://127.0.0.1:1")],
    // DNS rebinding: evil.test resolves to 127.0.0.1, so the page has the same origin as this port.
    &[("host", "evil.test"), ("origin", "http://evil.test"), ("sec-fetch-site", "same-origin")],
    &[("host", "evil.test")],
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "script")],
    &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
];

async fn send(method: Method, url: &str, headers: Headers<'_>, body: &Value) -> Response {
    let request = Client::new().request(method, url).body(body.to_string());
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

/// Sends a valid call to an emulator, with browser headers in addition to those of an SDK.
async fn call(url: &str, target: &str, body: &Value, headers: Headers<'_>) -> Response {
    let content_type =
        if target.starts_with("Kinesis") { "application/x-amz-json-1.1" } else { "application/x-amz-json-1.0" };
    let sdk = [
        ("x-amz-target", target),
        ("content-type", content_type),
        ("authorization", SIGNATURE),
        ("x-amz-date", "20260101T000000Z"),
    ];
    send(Method::POST, url, &[&sdk[..], headers].concat(), body).await
}

/// Asserts a 403 that a page of another origin cannot read, and returns its body.
async fn assert_refused(response: Response, asked: &str) -> Value {
    assert_eq!(response.status(), StatusCode::FORBIDDEN, "{asked}");
    assert_no_cors(&response, asked);
    let refusal: Value = response.json().await.unwrap();
    assert!(refusal["message"].as_str().unwrap().contains(" refused"), "{asked}: {refusal}");
    refusal
}

fn assert_no_cors(response: &Response, asked: &str) {
    let cors: Vec<_> = response.headers().keys().filter(|name| name.as_str().starts_with("access-control-")).collect();
    assert!(cors.is_empty(), "the response to {asked} has {cors:?}");
}

fn emulators_of(probe: &Probe) -> [(String, &'static str, Value); 2] {
    let (dynamodb, kinesis) = (probe.environment.dynamodb_url().to_owned(), probe.environment.kinesis_url().to_owned());
    [
        (dynamodb, "DynamoDB_20120810.DeleteTable", json!({"TableName": "ProbeItemsTable"})),
        (kinesis, "Kinesis_20131202.DeleteStream", json!({"StreamName": "ProbeStream"})),
    ]
}

#[tokio::test]
async fn a_page_of_another_site_cannot_call_an_emulator() {
    let probe = Probe::start().await;
    probe.put_item(1, "ok").await;
    for (url, target, body) in emulators_of(&probe) {
        for headers in FOREIGN {
            let asked = format!("{target} with {headers:?}");
            let refusal = assert_refused(call(&url, target, &body, headers).await, &asked).await;
            assert!(refusal["__type"].as_str().unwrap().ends_with("AccessDeniedException"), "{refusal}");
            assert_refused(send(Method::GET, &url, headers, &Value::Null).await, &format!("GET with {headers:?}"))
                .await;
        }
    }
    let status = probe.environment.status().await;
    assert_eq!((status.tables["ProbeItemsTable"].items, status.streams["ProbeStream"].shards), (Some(1), 1));
}

#[tokio::test]
async fn no_preflight_is_approved() {
    let probe = Probe::start().await;
    let url = probe.environment.url();
    let mut urls = emulators_of(&probe).map(|(url, ..)| url).to_vec();
    urls.extend(["/_local/faults", "/_local/status", "/reference"].map(|path| format!("{url}{path}")));
    for url in urls {
        let own = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        for origin in ["http://evil.test", "null", &own] {
            let preflight = [
                ("origin", origin),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "x-amz-target"),
                ("access-control-request-private-network", "true"),
            ];
            let response = send(Method::OPTIONS, &url, &preflight, &Value::Null).await;
            assert_refused(response, &format!("a preflight of {origin} to {url}")).await;
        }
    }
}

#[tokio::test]
async fn a_page_of_another_site_cannot_use_the_local_routes() {
    let probe = Probe::start().await;
    let fault = json!({"target": "Answering", "effect": {"error": {"code": "Boom"}}});
    let injected = send(Method::POST, &probe.url("/_local/faults"), &[], &fault).await;
    assert_eq!(injected.status(), 201);
    let before = probe.environment.faults();
    for headers in FOREIGN {
        for (method, path) in [
            (Method::POST, "/_local/faults"),
            (Method::DELETE, "/_local/faults"),
            (Method::DELETE, "/_local/faults/1"),
            (Method::DELETE, "/_local/calls"),
            (Method::GET, "/_local/status"),
            (Method::GET, "/_local/failures"),
            (Method::DELETE, "/_local/failures/1"),
            (Method::GET, "/reference"),
        ] {
            let asked = format!("{method} {path} with {headers:?}");
            assert_refused(send(method, &probe.url(path), headers, &fault).await, &asked).await;
        }
    }
    assert_eq!(probe.environment.faults(), before);
}

#[tokio::test]
async fn a_page_of_another_site_cannot_take_an_invocation() {
    let probe = Probe::start().await;
    let variables: Value = probe.get("/do/variables").await.json().await.unwrap();
    let sandbox = variables["AWS_LAMBDA_RUNTIME_API"].as_str().unwrap();
    for headers in FOREIGN {
        // Without the guard, the last request would wait for an invocation.
        for (method, path) in
            [(Method::POST, "init/error"), (Method::POST, "invocation/1/response"), (Method::GET, "invocation/next")]
        {
            let asked = format!("{method} {path} with {headers:?}");
            let response = send(method, &format!("{sandbox}/2018-06-01/runtime/{path}"), headers, &Value::Null).await;
            assert_refused(response, &asked).await;
        }
    }
    assert_eq!(probe.get("/do/echo").await.status(), 200);
}

#[tokio::test]
async fn a_refused_request_is_not_counted_and_triggers_no_fault() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(directory.path(), &[]);
    let emulators = Emulators::start(Template::load(&options.template, &options.parameters).unwrap()).await.unwrap();
    emulators.inject(Fault::new(FaultTarget::DynamoDb, Effect::Throttle)).unwrap();
    for headers in FOREIGN {
        let response = call(emulators.dynamodb_url(), "DynamoDB_20120810.ListTables", &json!({}), headers).await;
        assert_refused(response, &format!("{headers:?}")).await;
    }
    assert_eq!((emulators.faults()[0].matched, emulators.calls().total()), (0, 0));
    emulators.clear_faults();
    let response = call(emulators.dynamodb_url(), "DynamoDB_20120810.ListTables", &json!({}), &[]).await;
    assert_eq!(
        (response.status().as_u16(), emulators.calls().count("local", Service::DynamoDb, "ListTables")),
        (200, 1)
    );
}

#[tokio::test]
async fn same_origin_pages_and_programs_may_call_and_no_response_has_cors_headers() {
    let probe = Probe::start().await;
    let (dynamodb, kinesis) = (probe.environment.dynamodb_url(), probe.environment.kinesis_url());
    for (url, target, succeeds) in [
        (dynamodb, "DynamoDB_20120810.ListTables", true),
        (dynamodb, "DynamoDB_20120810.Nothing", false),
        (kinesis, "Kinesis_20131202.ListStreams", true),
        (kinesis, "Kinesis_20131202.Nothing", false),
    ] {
        let port = url.rsplit(':').next().unwrap();
        let localhost = format!("localhost:{port}");
        let own = [("origin", url), ("sec-fetch-site", "same-origin")];
        for headers in [&own[..], &[("host", &localhost)], &[]] {
            let response = call(url, target, &json!({}), headers).await;
            assert_eq!(response.status().is_success(), succeeds, "{target} with {headers:?}");
            assert_no_cors(&response, target);
        }
    }
    for path in ["/_local/status", "/_local/faults", "/reference", "/openapi/orders.json"] {
        let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        let own = [("origin", probe.environment.url()), ("sec-fetch-site", "same-origin")];
        for headers in [&link[..], &own, &[]] {
            let response = send(Method::GET, &probe.url(path), headers, &Value::Null).await;
            assert_eq!(response.status(), 200, "{path} with {headers:?}");
            assert_no_cors(&response, path);
        }
    }
}

#[tokio::test]
async fn api_routes_respond_to_any_host_without_cors_headers() {
    let probe = Probe::start().await;
    let foreign = [("origin", "http://evil.test"), ("host", "api.example.com")];
    let response = send(Method::GET, &probe.url("/do/echo"), &foreign, &Value::Null).await;
    assert_eq!(response.status(), 200);
    assert_no_cors(&response, "a route");
    let event: Value = response.json().await.unwrap();
    assert_eq!(event["headers"]["host"], "api.example.com");
    let preflight = [("origin", "http://evil.test"), ("access-control-request-method", "POST")];
    let response = send(Method::OPTIONS, &probe.url("/items/1"), &preflight, &Value::Null).await;
    assert_no_cors(&response, "a route's preflight");
    assert_eq!(response.json::<Value>().await.unwrap(), json!({"message": "Missing Authentication Token"}));
}
