//! Payments belong to the caller that made them.

use std::sync::Arc;

use api_gateway::{ProxyRequest, handle};
use axum::Router;
use lambda_runtime::{Context, LambdaEvent};
use payment_api::{Service, TestTokens, router};
use payments::testing::{MemoryCharges, MemoryPayments, RecordingPublisher};
use payments::{AcceptPayment, ChangePayment, Publication, PublishMode};
use serde_json::{Value, json};
use telemetry::Metrics;

use crate::events::{By, FLAVOURS, Flavour, Sent, event};

const MAKER: By = By::Token("client-7@clients", "paystream/payments.pay paystream/payments.change");
const OTHER: By = By::Token("client-8@clients", "paystream/payments.read paystream/payments.change");
const BACK_OFFICE: By = By::Token("anna", "paystream/back-office");
const ROLE: By = By::Principal("arn:aws:sts::123456789012:assumed-role/support/i-1");
const JSON: (&str, &str) = ("content-type", "application/json");

/// Status, and body without the request's own path.
type Response = (u64, Value);

struct Api {
    flavour: Flavour,
    router: Router,
}

impl Api {
    fn new(flavour: Flavour) -> Self {
        let (store, publisher) = (Arc::new(MemoryPayments::default()), Arc::new(RecordingPublisher::default()));
        let mode = PublishMode::Direct(Publication::new(publisher, store.clone()));
        let accept = AcceptPayment::new(store.clone(), MemoryCharges::simulator(), mode.clone(), 10_000);
        let change = ChangePayment::new(store.clone(), mode);
        let metrics = Metrics::new("payments", |_| {});
        Self {
            flavour,
            router: router(Service { accept, change, queries: store, metrics, test_tokens: TestTokens::Accept }),
        }
    }

    async fn send(&self, by: By, sent: Sent<'_>) -> Response {
        let payload: ProxyRequest = serde_json::from_value(event(self.flavour, by, &sent)).unwrap();
        let response = handle(self.router.clone(), LambdaEvent::new(payload, Context::default())).await.unwrap();
        let response = serde_json::to_value(response).unwrap();
        let mut body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
        body.as_object_mut().unwrap().remove("instance");
        (response["statusCode"].as_u64().unwrap(), body)
    }

    /// Makes a payment and returns its path.
    async fn pay(&self, by: By, key: &str) -> String {
        let body = json!({"order_id": "ord-42", "amount": {"minor": 1299, "currency": "EUR"}, "method": {"token": "tok_approve"}});
        let headers = [JSON, ("idempotency-key", key)];
        let (status, paid) =
            self.send(by, Sent { method: "POST", target: "/payments", headers: &headers, body: Some(body) }).await;
        assert_eq!(status, 201, "{paid}");
        format!("/payments/{}", paid["payment_id"].as_str().unwrap())
    }

    async fn get(&self, by: By, target: &str) -> Response {
        self.send(by, Sent { method: "GET", target, headers: &[], body: None }).await
    }

    async fn post(&self, by: By, target: &str, key: &str) -> Response {
        self.send(by, Sent { method: "POST", target, headers: &[("idempotency-key", key)], body: None }).await
    }
}

fn path_of(payment: &Value) -> String {
    format!("/payments/{}", payment["payment_id"].as_str().unwrap())
}

#[tokio::test]
async fn a_payment_of_another_caller_does_not_exist() {
    for flavour in FLAVOURS {
        let api = Api::new(flavour);
        let payment = api.pay(MAKER, "key-1").await;
        let unknown = "/payments/pay_AAAAAAAAAAAAAAAAAAAAAAAAAA";
        let known = payment.trim_start_matches("/payments/");
        for (step, key) in [("", ""), ("/capture", "c"), ("/void", "v"), ("/refund", "r")] {
            let send = async |path: &str| match step {
                "" => api.get(OTHER, path).await,
                step => api.post(OTHER, &format!("{path}{step}"), key).await,
            };
            let (refused, missing) = (send(&payment).await, send(unknown).await);
            assert_eq!(refused.0, 404, "{flavour:?} {step}");
            assert_eq!(refused.1["title"], "There is no such payment");
            let renamed = missing.1.to_string().replace("pay_AAAAAAAAAAAAAAAAAAAAAAAAAA", known);
            assert_eq!(refused.1.to_string(), renamed, "nothing tells it from a payment that does not exist");
        }
        assert_eq!(api.get(OTHER, "/payments?order_id=ord-42").await, (200, json!({"payments": []})));
        let (status, read) = api.get(MAKER, &payment).await;
        assert_eq!((status, &read["version"]), (200, &json!(1)), "nothing has changed");
        assert!(!read.to_string().contains("client-7"), "the caller is in no response: {read}");
    }
}

#[tokio::test]
async fn the_maker_and_the_back_office_read_and_change_a_payment() {
    for flavour in FLAVOURS {
        let api = Api::new(flavour);
        let payment = api.pay(MAKER, "key-1").await;
        let (status, captured) = api.post(MAKER, &format!("{payment}/capture"), "c").await;
        assert_eq!((status, &captured["status"]), (200, &json!("captured")));
        assert_eq!(api.get(BACK_OFFICE, &payment).await, (200, captured.clone()));
        let (status, refunded) = api.post(BACK_OFFICE, &format!("{payment}/refund"), "r").await;
        assert_eq!((status, &refunded["status"]), (200, &json!("refunded")));
        // Changes by others leave it with its maker.
        assert_eq!(api.get(MAKER, &payment).await, (200, refunded));
        let replayed = api.post(MAKER, &format!("{payment}/capture"), "c").await;
        assert_eq!(replayed, (200, captured));
    }
}

#[tokio::test]
async fn iam_policies_decide_for_principals() {
    for flavour in FLAVOURS {
        let api = Api::new(flavour);
        let payment = api.pay(By::Principal("arn:aws:iam::123456789012:user/checkout"), "key-1").await;
        assert_eq!(api.post(ROLE, &format!("{payment}/void"), "v").await.0, 200);
        assert_eq!(
            api.get(OTHER, &payment).await.0,
            404,
            "a token is restricted after a change of the authorizer, too"
        );
    }
}

#[tokio::test]
async fn a_payment_without_a_stored_caller_needs_the_back_office() {
    for flavour in FLAVOURS {
        let api = Api::new(flavour);
        let payment = api.pay(By::Anybody, "key-1").await;
        for by in [MAKER, OTHER, By::Token("anonymous", "paystream/payments.read")] {
            assert_eq!(api.get(by, &payment).await.0, 404, "{by:?}");
        }
        for by in [BACK_OFFICE, ROLE, By::Anybody] {
            assert_eq!(api.get(by, &payment).await.0, 200, "{by:?}");
        }
    }
}

#[tokio::test]
async fn a_list_has_every_payment_that_its_caller_may_read_and_no_other() {
    for flavour in FLAVOURS {
        let api = Api::new(flavour);
        let (mut own, mut all) = (Vec::new(), Vec::new());
        for n in 0..12 {
            let by = if n % 3 == 0 { MAKER } else { OTHER };
            let path = api.pay(by, &format!("key-{n}")).await;
            own.extend((n % 3 == 0).then(|| path.clone()));
            all.push(path);
        }
        own.sort_unstable();
        all.sort_unstable();
        for (by, expected) in [(MAKER, &own), (BACK_OFFICE, &all), (ROLE, &all)] {
            let (mut found, mut pages, mut next) = (Vec::new(), 0, Some("?order_id=ord-42&limit=2".to_owned()));
            while let Some(query) = next {
                let (status, page) = api.get(by, &format!("/payments{query}")).await;
                assert_eq!(status, 200, "{page}");
                found.extend(page["payments"].as_array().unwrap().iter().map(path_of));
                next = page["next"].as_str().map(str::to_owned);
                pages += 1;
            }
            assert_eq!((&found, pages), (expected, 6), "{flavour:?} {by:?}");
        }
    }
}
