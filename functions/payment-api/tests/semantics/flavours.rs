//! The API as API Gateway invokes it: with events of format 1.0 (REST APIs) and 2.0 (HTTP APIs).

use std::collections::BTreeMap;
use std::sync::Arc;

use api_gateway::{ProxyRequest, handle};
use axum::Router;
use axum::http::{HeaderMap, Method};
use lambda_runtime::{Context, LambdaEvent};
use openapi_routes::Description;
use openapi_routes::testing::Response;
use payment_api::{Service, TestTokens, description, router};
use payments::testing::{MemoryCharges, MemoryPayments, RecordingPublisher};
use payments::{AcceptPayment, ChangePayment, Publication, PublishMode};
use serde_json::{Value, json};
use telemetry::Metrics;

use crate::failing_store::FailingStore;

const REST: &str = include_str!("../../../../crates/api-gateway/tests/events/rest-iam.json");
const HTTP: &str = include_str!("../../../../crates/api-gateway/tests/events/http-iam.json");

/// Length of a lease, in milliseconds: no test takes that long.
pub(crate) const LEASE_MS: u64 = 3_600_000;

/// Value of the stack's parameter `ApiFlavour`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    Rest,
    Http,
}

pub(crate) const FLAVOURS: [Flavour; 2] = [Flavour::Rest, Flavour::Http];

/// A request as its client sends it. A header may have several lines.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
}

impl Sent {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), headers: Vec::new(), body: None }
    }

    pub(crate) fn post(path: impl Into<String>, body: Option<Value>) -> Self {
        Self { method: "POST", path: path.into(), headers: Vec::new(), body }
    }

    /// Adds a line of a header for each value.
    pub(crate) fn with<V: ToString>(mut self, name: &'static str, values: impl IntoIterator<Item = V>) -> Self {
        self.headers.extend(values.into_iter().map(|value| (name, value.to_string())));
        self
    }

    fn lines(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut lines: BTreeMap<_, Vec<_>> = BTreeMap::new();
        if self.body.is_some() {
            lines.insert("content-type", vec!["application/json".to_owned()]);
        }
        for (name, value) in &self.headers {
            lines.entry(*name).or_default().push(value.clone());
        }
        lines
    }

    fn template(&self) -> String {
        let parts: Vec<_> = self.path.split('/').collect();
        match parts.as_slice() {
            ["", "payments", _, rest @ ..] => {
                ["", "payments", "{payment_id}"].into_iter().chain(rest.iter().copied()).collect::<Vec<_>>().join("/")
            }
            _ => self.path.clone(),
        }
    }

    fn event(&self, flavour: Flavour) -> Value {
        let (path, template) = (&self.path, self.template());
        let parameters = json!({ "payment_id": path.split('/').nth(2) });
        let common = json!({
            "pathParameters": if template == *path { Value::Null } else { parameters },
            "body": self.body.as_ref().map(Value::to_string),
            "isBase64Encoded": false,
        });
        let (mut event, members) = match flavour {
            Flavour::Rest => {
                let last: BTreeMap<_, _> =
                    self.lines().into_iter().map(|(name, lines)| (name, lines.last().cloned())).collect();
                let mut event: Value = serde_json::from_str(REST).unwrap();
                event["requestContext"]["path"] = format!("/dev{path}").into();
                event["requestContext"]["resourcePath"] = template.as_str().into();
                event["requestContext"]["httpMethod"] = self.method.into();
                let members = json!({
                    "resource": template,
                    "path": path,
                    "httpMethod": self.method,
                    "headers": last,
                    "multiValueHeaders": self.lines(),
                    "queryStringParameters": null,
                    "multiValueQueryStringParameters": null,
                });
                (event, members)
            }
            Flavour::Http => {
                let joined: BTreeMap<_, _> =
                    self.lines().into_iter().map(|(name, lines)| (name, lines.join(","))).collect();
                let mut event: Value = serde_json::from_str(HTTP).unwrap();
                let route = format!("{} {template}", self.method);
                event["requestContext"]["routeKey"] = route.as_str().into();
                event["requestContext"]["http"]["method"] = self.method.into();
                event["requestContext"]["http"]["path"] = path.as_str().into();
                let members = json!({
                    "routeKey": route,
                    "rawPath": path,
                    "rawQueryString": "",
                    "queryStringParameters": null,
                    "cookies": null,
                    "headers": joined,
                });
                (event, members)
            }
        };
        for object in [common, members] {
            let Value::Object(object) = object else { unreachable!() };
            event.as_object_mut().unwrap().extend(object);
        }
        event
    }
}

/// A response as its client receives it, without `instance`, which names the deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u64,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Answer {
    /// Returns the last segment of a problem's type.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.body["type"].as_str()?.rsplit('/').next()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn is_replayed(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    #[track_caller]
    pub(crate) fn expect_problem(self, status: u64, problem: &str) -> Self {
        assert_eq!((self.status, self.problem()), (status, Some(problem)), "{self:?}");
        self
    }
}

thread_local! {
    static DESCRIPTION: Description = description();
}

/// Asserts that the contract lists the response.
fn assert_described(sent: &Sent, answer: &Answer) {
    let headers = answer.headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    let headers: HeaderMap = headers.collect();
    let status = u16::try_from(answer.status).unwrap().try_into().unwrap();
    let response = Response { status, headers, body: answer.body.clone() };
    let method: Method = sent.method.parse().unwrap();
    let violation = DESCRIPTION.with(|description| description.violation(&method, &sent.path, &response));
    assert_eq!(violation, None);
}

/// The API in memory.
pub(crate) struct Api {
    router: Router,
    pub(crate) store: Arc<MemoryPayments>,
    pub(crate) failing: Arc<FailingStore>,
}

impl Api {
    pub(crate) fn new() -> Self {
        let store = Arc::new(MemoryPayments::default());
        let failing = Arc::new(FailingStore::new(store.clone()));
        let publication = Publication::new(Arc::new(RecordingPublisher::default()), store.clone());
        let mode = PublishMode::Direct(publication);
        let accept = AcceptPayment::new(failing.clone(), MemoryCharges::simulator(), mode.clone(), LEASE_MS);
        let change = ChangePayment::new(failing.clone(), mode);
        let metrics = Metrics::new("payments", |_| {});
        let router =
            router(Service { accept, change, queries: store.clone(), metrics, test_tokens: TestTokens::Accept });
        Self { router, store, failing }
    }

    pub(crate) async fn send(&self, flavour: Flavour, sent: &Sent) -> Answer {
        let event: ProxyRequest = serde_json::from_value(sent.event(flavour)).unwrap();
        let response = handle(self.router.clone(), LambdaEvent::new(event, Context::default())).await.unwrap();
        let response = serde_json::to_value(response).unwrap();
        let headers = match flavour {
            Flavour::Rest => response["multiValueHeaders"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, values)| {
                    let values: Vec<_> =
                        values.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect();
                    (name.clone(), values.join(", "))
                })
                .collect(),
            Flavour::Http => response["headers"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect(),
        };
        let mut body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap_or_default();
        if let Some(members) = body.as_object_mut() {
            members.remove("instance");
        }
        let answer = Answer { status: response["statusCode"].as_u64().unwrap(), headers, body };
        assert_described(sent, &answer);
        answer
    }

    /// Makes a payment of 1,000 minor units and returns its path.
    pub(crate) async fn authorized(&self, flavour: Flavour) -> String {
        let paid = self.send(flavour, &pay(1_000, "tok_approve").with("idempotency-key", ["key-of-payment"])).await;
        assert_eq!(paid.status, 201, "{paid:?}");
        format!("/payments/{}", paid.body["payment_id"].as_str().unwrap())
    }
}

pub(crate) fn pay(minor: i64, token: &str) -> Sent {
    let body = json!({
        "order_id": "ord-1",
        "amount": { "minor": minor, "currency": "EUR" },
        "method": { "token": token },
    });
    Sent::post("/payments", Some(body))
}

pub(crate) fn amount(minor: i64, currency: &str) -> Value {
    json!({ "amount": { "minor": minor, "currency": currency } })
}
