//! Checks of exchanges and queues on the broker that `PAYSTREAM_RABBITMQ` names, over its management API, and settings of
//! mappings over Lambda's API.

#![allow(missing_docs, clippy::unwrap_used)]

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_connection::{Https, Trust};
use aws_smithy_runtime_api::http::Request;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use paystream_client::{Bounds, Pace, emulator, exchange};
use paystream_operations::doctor::{Diagnosis, LambdaApi, Management, ManagementError, ManagementUrl, rabbitmq};
use serde_json::{Value, json};

const BOUNDS: Bounds = Bounds { answer_max: Duration::from_secs(30), answer_bytes_max: 1024 * 1024 };
/// The broker shows a policy at a queue some time after it took the policy.
const SHOWN: Pace = Pace::times(200, Duration::from_millis(100));
/// Virtual host `/` in paths.
const HOST: &str = "%2F";

/// A broker, with names that no other test uses.
struct Broker {
    url: String,
    name: String,
    management: Management,
}

impl Broker {
    /// Returns `None` without a broker, and says so.
    fn open(purpose: &str) -> Option<Self> {
        let Ok(address) = std::env::var("PAYSTREAM_RABBITMQ") else {
            let reason = "skipped: PAYSTREAM_RABBITMQ is not set; hubs/host/rabbitmq start sets it";
            let _ = writeln!(std::io::stderr(), "{reason}");
            return None;
        };
        let (host, port) = address.rsplit_once(':').unwrap();
        let port: u16 = port.parse().unwrap();
        // hubs/host/rabbitmq has the API three ports above AMQP, hubs/compose.yaml 10,000 above.
        let ports = [port.saturating_add(3), port.saturating_add(10_000)];
        let port = ports.into_iter().find(|port| std::net::TcpStream::connect((host, *port)).is_ok()).unwrap();
        let url: ManagementUrl = format!("http://guest:guest@{host}:{port}").parse().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let credentials = url.credentials().unwrap().clone();
        let management = Management::new(url.clone(), credentials);
        Some(Self { url: url.to_string(), name: format!("doctor-{purpose}-{now}"), management })
    }

    async fn send(&self, method: &str, path: &str, body: &Value) {
        let mut request = Request::new(body.to_string().into());
        request.set_method(method).unwrap();
        request.set_uri(format!("{}{path}", self.url)).unwrap();
        let basic = format!("Basic {}", BASE64_STANDARD.encode("guest:guest"));
        request.headers_mut().insert("authorization", basic);
        request.headers_mut().insert("content-type", "application/json");
        let answer = exchange(&Https::new(Trust::System), request, BOUNDS).await.unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {answer:?}");
    }

    async fn exchange(&self, name: &str, kind: &str, arguments: Value) {
        let body = json!({"type": kind, "durable": true, "arguments": arguments});
        self.send("PUT", &format!("/api/exchanges/{HOST}/{name}"), &body).await;
    }

    async fn queue(&self, name: &str, arguments: Value) {
        let body = json!({"durable": true, "arguments": arguments});
        self.send("PUT", &format!("/api/queues/{HOST}/{name}"), &body).await;
    }

    async fn bind(&self, exchange: &str, queue: &str, key: &str) {
        let path = format!("/api/bindings/{HOST}/e/{exchange}/q/{queue}");
        self.send("POST", &path, &json!({"routing_key": key})).await;
    }

    async fn policy(&self, apply_to: &str, definition: Value) {
        let body = json!({"pattern": format!("^{}$", self.name), "apply-to": apply_to, "definition": definition});
        self.send("PUT", &format!("/api/policies/{HOST}/{}", self.name), &body).await;
    }

    /// Creates exchange, queue and binding as docs/deploying.md asks for, with other arguments of the queue where given.
    async fn topology(&self, changed: Value) {
        let name = self.name.as_str();
        let dead = format!("{name}.dead");
        self.exchange(name, "topic", json!({})).await;
        self.exchange(&dead, "fanout", json!({})).await;
        self.queue(&dead, json!({"x-queue-type": "quorum"})).await;
        self.bind(&dead, &dead, "").await;
        let mut arguments = json!({
            "x-queue-type": "quorum",
            "x-delivery-limit": 1_000_000,
            "x-dead-letter-exchange": dead,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        });
        for (argument, value) in changed.as_object().unwrap() {
            match value {
                Value::Null => _ = arguments.as_object_mut().unwrap().remove(argument),
                value => arguments[argument] = value.clone(),
            }
        }
        self.queue(name, arguments).await;
        self.bind(name, name, "#").await;
    }

    async fn codes(&self) -> Vec<&'static str> {
        let (facts, unread) = self.management.facts("/", &self.name, &self.name).await.unwrap();
        assert_eq!(unread, []);
        let mut diagnosis = Diagnosis::default();
        diagnosis.checked("queue", rabbitmq(&facts));
        diagnosis.findings.iter().map(|finding| finding.condition.code).collect()
    }

    /// Waits until the broker shows these conditions.
    async fn shows(&self, expected: &[&str]) {
        let shown = SHOWN.poll(async || (self.codes().await == expected).then_some(())).await;
        assert!(shown.is_some(), "{}: {:?}, expected {expected:?}", self.name, self.codes().await);
    }
}

#[tokio::test]
async fn arguments_of_a_queue_are_read_from_the_broker() {
    // One node has the queue.
    let cases: [(&str, Value, &[&str]); 7] = [
        ("healthy", json!({}), &["rabbitmq-one-member"]),
        ("limit", json!({"x-delivery-limit": 20}), &["rabbitmq-one-member", "rabbitmq-delivery-limit"]),
        ("ttl", json!({"x-message-ttl": 60_000}), &["rabbitmq-message-ttl", "rabbitmq-one-member"]),
        ("expires", json!({"x-expires": 3_600_000}), &["rabbitmq-expires", "rabbitmq-one-member"]),
        ("length", json!({"x-max-length": 10}), &["rabbitmq-max-length-rejects", "rabbitmq-one-member"]),
        (
            "strategy",
            json!({"x-dead-letter-strategy": null}),
            &["rabbitmq-one-member", "rabbitmq-dead-letter-strategy"],
        ),
        ("dead", json!({"x-dead-letter-exchange": "gone"}), &["rabbitmq-one-member", "rabbitmq-dead-letters-nowhere"]),
    ];
    for (purpose, changed, expected) in cases {
        let Some(broker) = Broker::open(purpose) else { return };
        broker.topology(changed).await;
        broker.shows(expected).await;
    }
}

#[tokio::test]
async fn a_policy_of_rabbitmq_counts_as_an_argument_does() {
    let Some(broker) = Broker::open("policy") else { return };
    broker.topology(json!({})).await;
    broker.policy("queues", json!({"message-ttl": 60_000, "delivery-limit": 20})).await;
    broker.shows(&["rabbitmq-message-ttl", "rabbitmq-one-member", "rabbitmq-delivery-limit"]).await;
    broker.policy("queues", json!({"expires": 3_600_000})).await;
    broker.shows(&["rabbitmq-expires", "rabbitmq-one-member"]).await;
    broker.policy("exchanges", json!({"alternate-exchange": "amq.fanout"})).await;
    broker.shows(&["rabbitmq-alternate-exchange", "rabbitmq-one-member"]).await;
}

#[tokio::test]
async fn a_classic_queue_of_rabbitmq_a_missing_binding_and_missing_parts_are_found() {
    let Some(broker) = Broker::open("classic") else { return };
    assert_eq!(broker.codes().await, ["rabbitmq-exchange-missing", "rabbitmq-queue-missing"]);
    broker.exchange(&broker.name, "topic", json!({"alternate-exchange": "amq.fanout"})).await;
    broker.shows(&["rabbitmq-alternate-exchange", "rabbitmq-queue-missing"]).await;
    broker.queue(&broker.name, json!({"x-queue-type": "classic", "x-max-priority": 5})).await;
    broker.bind(&broker.name, &broker.name, "ord-1").await;
    let expected =
        ["rabbitmq-alternate-exchange", "rabbitmq-classic-queue", "rabbitmq-priorities", "rabbitmq-binding-missing"];
    broker.shows(&expected).await;
    broker.bind(&broker.name, &broker.name, "#").await;
    broker.shows(&expected[..3]).await;
}

#[tokio::test]
async fn wrong_credentials_and_a_missing_api_of_the_broker_are_told_apart() {
    let nowhere: ManagementUrl = "http://guest:guest@127.0.0.1:1".parse().unwrap();
    let credentials = nowhere.credentials().unwrap().clone();
    let missing = Management::new(nowhere, credentials.clone()).facts("/", "e", "q").await.unwrap_err();
    assert!(matches!(missing, ManagementError::Unreachable { .. }), "{missing}");
    assert!(missing.to_string().contains("--management-url"), "{missing}");
    let Some(broker) = Broker::open("access") else { return };
    let wrong = paystream_operations::doctor::Credentials { password: "wrong".to_owned(), ..credentials };
    let url: ManagementUrl = broker.url.parse().unwrap();
    let refused = Management::new(url, wrong).facts("/", "e", "q").await.unwrap_err();
    assert!(matches!(refused, ManagementError::Refused { status: 401, .. }), "{refused}");
    assert!(!refused.to_string().contains("wrong"), "{refused}");
}

/// Serves Lambda's API with one mapping and its function, and returns the URL.
async fn lambda() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mapping = json!({
        "UUID": "a-1",
        "FunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:pay_relay-1",
        "MaximumRecordAgeInSeconds": 43_200,
    });
    let function = json!({"Environment": {"Variables": {"RECORD_AGE_MAX_SECONDS": "43200"}}});
    let refusal = (axum::http::StatusCode::FORBIDDEN, axum::Json(json!({"Message": "not authorized"})));
    let missing = (axum::http::StatusCode::NOT_FOUND, axum::Json(json!({"Message": "no such mapping"})));
    let router = axum::Router::new()
        .route("/2015-03-31/event-source-mappings/a-1", axum::routing::get(move || async move { axum::Json(mapping) }))
        .route("/2015-03-31/event-source-mappings/a-2", axum::routing::get(move || async move { refusal }))
        .route("/2015-03-31/event-source-mappings/a-3", axum::routing::get(move || async move { missing }))
        .route(
            "/2015-03-31/functions/pay_relay-1/configuration",
            axum::routing::get(move || async move { axum::Json(function) }),
        );
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn mappings_and_variables_are_read_from_lambda() {
    let url = lambda().await;
    let api = LambdaApi::at(&emulator(&url), &url);
    let mapping = api.mapping("a-1").await.unwrap().unwrap();
    assert_eq!(mapping.record_age_seconds_max(), Some(43_200));
    let variables = api.variables(&mapping).await.unwrap().unwrap();
    assert_eq!(variables["RECORD_AGE_MAX_SECONDS"], "43200");
    assert_eq!(api.mapping("a-2").await.unwrap_err(), "Lambda: not authorized");
    assert_eq!(api.mapping("a-3").await.unwrap(), None);
}
