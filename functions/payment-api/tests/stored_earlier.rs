//! Payments that were stored under earlier rules: in a currency that has been withdrawn since, or with longer texts.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use openapi_routes::testing::{Response, assert_problem, send};
use payment_api::{Service, TestTokens, description, router};
use payment_events::{Decline, Money, OrderId, PaymentId, Timestamp};
use payments::testing::{MemoryCharges, MemoryPayments, RecordingPublisher};
use payments::{
    AcceptPayment, Action, Caller, ChangePayment, Lease, Outcome, PaymentRecord, PaymentRequest, Publication,
    PublishMode, RequestKey, Step,
};
use serde_json::{Value, json};
use telemetry::Metrics;

/// Maximum size of a function's response, in bytes. Source:
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const RESPONSE_BYTES_MAX: usize = 6 * 1024 * 1024;

struct Api {
    router: Router,
    store: Arc<MemoryPayments>,
}

impl Api {
    fn new() -> Self {
        let (store, publisher) = (Arc::new(MemoryPayments::default()), Arc::new(RecordingPublisher::default()));
        let mode = PublishMode::Direct(Publication::new(publisher, store.clone()));
        let accept = AcceptPayment::new(store.clone(), MemoryCharges::simulator(), mode.clone(), 10_000);
        let change = ChangePayment::new(store.clone(), mode);
        let metrics = Metrics::new("payments", |_| {});
        Self {
            router: router(Service {
                accept,
                change,
                queries: store.clone(),
                metrics,
                test_tokens: TestTokens::Accept,
            }),
            store,
        }
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Response {
        let request = Request::post(path).header("content-type", "application/json").header("idempotency-key", key);
        send(&self.router, &description(), request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn get(&self, path: &str) -> Response {
        send(&self.router, &description(), Request::get(path).body(Body::empty()).unwrap()).await
    }
}

fn request(order_id: &str, currency: &str) -> PaymentRequest {
    PaymentRequest {
        caller: Caller::named(None),
        key: "key-1".parse().unwrap(),
        order_id: order_id.parse().unwrap(),
        amount: Money::new(1299, currency.parse().unwrap()).unwrap(),
        token: "tok_approve".parse().unwrap(),
        trace_parent: None,
    }
}

/// A payment with this outcome, as a function stored it.
fn record(request: &PaymentRequest, payment_id: PaymentId, outcome: Outcome) -> PaymentRecord {
    let at = Timestamp::now();
    let lease = Lease { until: at, attempt: 1, holder: RequestKey::random() };
    let step = Step { key: lease.holder.clone(), action: Action::Decide(outcome), at };
    PaymentRecord::begin(request, payment_id, lease, at).after(step, None).unwrap()
}

fn body(order_id: &str, currency: &str) -> Value {
    let amount = json!({"minor": 1299, "currency": currency});
    json!({"order_id": order_id, "amount": amount, "method": {"token": "tok_approve"}})
}

#[tokio::test]
async fn a_currency_that_is_not_in_use_is_refused_in_a_new_payment() {
    let api = Api::new();
    for code in ["XXX", "XTS", "XAU", "BGN", "HRK", "ZWL"] {
        let refused = api.post("/payments", "key-1", &body("ord-1", code)).await;
        assert_problem(&refused, StatusCode::BAD_REQUEST, "invalid-request");
        assert_eq!(refused.body["errors"][0]["pointer"], "/amount/currency");
        assert!(refused.body["detail"].as_str().unwrap().contains("must be a currency in use"), "{}", refused.body);
    }
    assert_eq!(api.get("/payments?order_id=ord-1").await.body, json!({"payments": []}));
    let paid = api.post("/payments", "key-1", &body("ord-1", "EUR")).await;
    assert_eq!(paid.status, StatusCode::CREATED, "a refusal does not use the key");
}

#[tokio::test]
async fn a_payment_in_a_withdrawn_currency_is_repeated_read_captured_and_refunded() {
    let api = Api::new();
    let request = request("ord-1", "BGN");
    let payment_id = request.payment_id().unwrap();
    api.store.seed(record(&request, payment_id.clone(), Outcome::Approved));
    let repeated = api.post("/payments", "key-1", &body("ord-1", "BGN")).await;
    assert_eq!(
        (repeated.status, &repeated.headers["idempotent-replayed"]),
        (StatusCode::CREATED, &"true".parse().unwrap())
    );
    let path = format!("/payments/{payment_id}");
    assert_eq!(api.get(&path).await.body, repeated.body);
    let amount = json!({"amount": {"minor": 1299, "currency": "BGN"}});
    assert_eq!(api.post(&format!("{path}/capture"), "key-2", &amount).await.body["status"], "captured");
    let part = json!({"amount": {"minor": 300, "currency": "BGN"}});
    let refunded = api.post(&format!("{path}/refund"), "key-3", &part).await;
    assert_eq!((refunded.status, &refunded.body["refunded_minor"]), (StatusCode::OK, &json!(300)), "{}", refunded.body);
}

/// Control characters take the most bytes: six in JSON, and seven in the response of the function, which has the body as
/// a JSON string.
#[tokio::test]
async fn the_largest_page_of_payments_fits_a_response() {
    let api = Api::new();
    let order_id = "o".repeat(OrderId::LENGTH_MAX);
    for number in 0..100 {
        let payment_id = format!("{}{number:0width$}", PaymentId::PREFIX, width = PaymentId::SUFFIX_LENGTH_MAX);
        let decline = Decline { code: "\u{1}".repeat(100), message: "\u{1}".repeat(Decline::READ_BYTES_MAX - 100) };
        api.store.seed(record(&request(&order_id, "EUR"), payment_id.parse().unwrap(), Outcome::Declined(decline)));
    }
    let page = api.get(&format!("/payments?order_id={order_id}&limit=100")).await;
    assert_eq!((page.status, page.body["payments"].as_array().unwrap().len()), (StatusCode::OK, 100));
    let bytes = json!(page.body.to_string()).to_string().len();
    assert!(bytes < RESPONSE_BYTES_MAX / 4, "{bytes} bytes");
}
