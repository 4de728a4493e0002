//! Tests of the Payments API, which call its router.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use api_gateway::Identity;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_pages::Cursor;
use openapi_routes::testing::{Response, assert_problem, send};
use payment_api::{BODY_BYTES_MAX, Service, description, router};
use payments::testing::{MemoryPayments, RecordingPublisher};
use payments::{AcceptPayment, ChangePayment, Publication, PublishMode, SimulatedProcessor};
use serde_json::{Value, json};
use telemetry::Metrics;

struct Api {
    router: Router,
    publisher: Arc<RecordingPublisher>,
    counts: Arc<Mutex<Vec<Value>>>,
}

impl Api {
    fn new() -> Self {
        let (store, publisher) = (Arc::new(MemoryPayments::default()), Arc::new(RecordingPublisher::default()));
        let mode = PublishMode::Direct(Publication::new(publisher.clone(), store.clone()));
        let accept = AcceptPayment::new(store.clone(), Arc::new(SimulatedProcessor), mode.clone(), 10_000);
        let change = ChangePayment::new(store.clone(), mode);
        let counts = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&counts);
        let metrics =
            Metrics::new("payments", move |line| into.lock().unwrap().push(serde_json::from_str(line).unwrap()));
        Self { router: router(Service { accept, change, queries: store, metrics }), publisher, counts }
    }

    async fn send(&self, request: Request<Body>) -> Response {
        send(&self.router, &description(), request).await
    }

    async fn pay(&self, key: &str, body: &Value) -> Response {
        let request = Request::post("/payments").header("content-type", "application/json");
        self.send(request.header("idempotency-key", key).body(Body::from(body.to_string())).unwrap()).await
    }

    /// Sends a change of a payment. An empty `body` means a request without a body.
    async fn change(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        // A stream of unknown length, as behind Lambda.
        let body = Body::from_stream(futures::stream::iter([Ok::<_, std::io::Error>(body.to_owned())]));
        self.send(request.body(body).unwrap()).await
    }

    /// Makes an authorized payment of 1,299 minor units and returns its path.
    async fn authorized(&self) -> String {
        let paid = self.pay("key-of-payment", &tea("tok_approve")).await;
        format!("/{}", paid.headers["location"].to_str().unwrap())
    }

    async fn get(&self, path: &str) -> Response {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }
}

fn tea(token: &str) -> Value {
    json!({"order_id": "ord-42", "amount": {"minor": 1299, "currency": "EUR"}, "method": {"token": token}})
}

/// Returns a valid payment body with the value at `pointer` replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut body = tea("tok_approve");
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

#[tokio::test]
async fn a_payment_is_accepted_and_read_back() {
    let api = Api::new();
    let paid = api.pay("key-1", &tea("tok_approve")).await;
    assert_eq!(paid.status, StatusCode::CREATED, "{}", paid.body);
    assert!(!paid.headers.contains_key("idempotent-replayed"));
    let id = paid.body["payment_id"].as_str().unwrap();
    assert_eq!(paid.headers["location"], format!("payments/{id}"));
    assert_eq!(paid.body["status"], "authorized");
    assert_eq!(paid.body["amount"], json!({"minor": 1299, "currency": "EUR"}));
    assert_eq!(paid.body["version"], 1);

    assert_eq!(api.get(&format!("/payments/{id}")).await.body, paid.body);
    assert_eq!(api.get("/payments?order_id=ord-42").await.body, json!({"payments": [paid.body]}));
    assert_eq!(api.get("/payments?order_id=ord-43").await.body, json!({"payments": []}));
}

#[tokio::test]
async fn a_retry_returns_the_first_payment_and_is_marked_as_replayed() {
    let api = Api::new();
    let first = api.pay("key-1", &tea("tok_approve")).await;
    let second = api.pay("key-1", &tea("tok_approve")).await;
    assert_eq!((second.status, second.body), (StatusCode::CREATED, first.body));
    assert_eq!(second.headers["idempotent-replayed"], "true");
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_its_caller() {
    let api = Api::new();
    let pay_as = async |identity: Identity| {
        let request = Request::post("/payments").header("content-type", "application/json").extension(identity);
        let request = request.header("idempotency-key", "key-1").body(Body::from(tea("tok_approve").to_string()));
        api.send(request.unwrap()).await.body["payment_id"].clone()
    };
    let session = |name| Identity::Principal(format!("arn:aws:sts::123456789012:assumed-role/{name}"));
    let first = pay_as(session("checkout/i-1")).await;
    assert_eq!(pay_as(session("checkout/i-2")).await, first, "another session of the same role");
    assert_ne!(pay_as(session("kiosk/i-1")).await, first);
    assert_ne!(pay_as(Identity::Token { subject: "client-7@clients".to_owned(), scopes: String::new() }).await, first);
    assert_ne!(api.pay("key-1", &tea("tok_approve")).await.body["payment_id"], first);
}

#[tokio::test]
async fn a_payment_needs_a_well_formed_key_that_is_used_for_one_body() {
    let api = Api::new();
    let request = Request::post("/payments").header("content-type", "application/json");
    let response = api.send(request.body(Body::from(tea("tok_approve").to_string())).unwrap()).await;
    assert_problem(&response, StatusCode::BAD_REQUEST, "idempotency-key-missing");

    let long = "x".repeat(256);
    for bad in ["", "a b", long.as_str()] {
        let response = api.pay(bad, &tea("tok_approve")).await;
        assert_problem(&response, StatusCode::BAD_REQUEST, "invalid-request");
        assert_eq!(response.body["errors"][0]["pointer"], "idempotency-key");
    }

    api.pay("key-1", &tea("tok_approve")).await;
    let other = api.pay("key-1", &with("/amount/minor", json!(1))).await;
    assert_problem(&other, StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused");
}

#[tokio::test]
async fn a_declined_payment_has_a_reason() {
    let declined = Api::new().pay("key-1", &tea("tok_decline_insufficient_funds")).await;
    assert_eq!(declined.status, StatusCode::CREATED);
    assert_eq!(declined.body["status"], "declined");
    assert_eq!(declined.body["decline"]["code"], "insufficient_funds");
}

#[tokio::test]
async fn a_payment_succeeds_on_retry_after_a_processor_failure() {
    let api = Api::new();
    let failed = api.pay("key-1", &tea("tok_fail_once")).await;
    assert_problem(&failed, StatusCode::SERVICE_UNAVAILABLE, "processor-unavailable");
    assert_eq!(failed.headers["retry-after"], "1");
    assert_eq!(api.pay("key-1", &tea("tok_fail_once")).await.body["status"], "authorized");
}

#[tokio::test]
async fn every_bad_value_is_reported_by_json_pointer() {
    let cases = [
        ("/order_id", json!("a b"), "/order_id"),
        ("/order_id", json!(42), "/order_id"),
        ("/amount/minor", json!(0), "/amount/minor"),
        ("/amount/minor", json!(-1), "/amount/minor"),
        ("/amount/minor", json!(12.5), "/amount/minor"),
        ("/amount/minor", json!(9_223_372_036_854_775_808_u64), "/amount/minor"),
        ("/amount/currency", json!("EURO"), "/amount/currency"),
        ("/amount", json!(1299), "/amount"),
        ("/amount", json!([1299, "EUR"]), "/amount"),
        ("/method", json!(["tok_approve"]), "/method"),
        ("/amount", json!({"minor": 1, "currency": "EUR", "exponent": 2}), "/amount/exponent"),
        ("/method/token", json!("card"), "/method/token"),
        ("/method", json!({"token": "tok_approve", "cvc": "123"}), "/method/cvc"),
    ];
    let api = Api::new();
    for (pointer, value, place) in cases {
        let response = api.pay("key-1", &with(pointer, value.clone())).await;
        assert_problem(&response, StatusCode::BAD_REQUEST, "invalid-request");
        assert_eq!(response.body["errors"][0]["pointer"], place, "{pointer} = {value}");
    }
    assert_eq!(api.get("/payments?order_id=ord-42").await.body, json!({"payments": []}), "nothing was stored");
}

#[tokio::test]
async fn card_numbers_are_refused_before_any_other_error() {
    let api = Api::new();
    for (pointer, body) in [
        ("/method/token", tea("4242424242424242")),
        ("/order_id", with("/order_id", json!("ord-4242424242424242"))),
        ("/amount", with("/amount", json!(4_242_424_242_424_242_u64))),
        ("/method/card", with("/method", json!({"card": "4242 4242 4242 4242"}))),
    ] {
        let response = api.pay("key-1", &body).await;
        assert_problem(&response, StatusCode::BAD_REQUEST, "card-number");
        assert_eq!(response.body["errors"][0]["pointer"], pointer);
    }
    let response = api.pay("4242424242424242", &tea("tok_approve")).await;
    assert_problem(&response, StatusCode::BAD_REQUEST, "card-number");
    assert_eq!(response.body["errors"][0]["pointer"], "idempotency-key");
}

#[tokio::test]
async fn bodies_that_are_malformed_or_too_large_are_refused() {
    let api = Api::new();
    let post = |body: String| {
        let request = Request::post("/payments").header("content-type", "application/json");
        request.header("idempotency-key", "key-1").body(Body::from(body)).unwrap()
    };
    assert_problem(&api.send(post("{\"order_id\":".to_owned())).await, StatusCode::BAD_REQUEST, "malformed-json");
    let large = " ".repeat(BODY_BYTES_MAX + 1);
    assert_problem(&api.send(post(large)).await, StatusCode::PAYLOAD_TOO_LARGE, "body-too-large");
}

#[tokio::test]
async fn unknown_payments_and_invalid_requests_have_different_problems() {
    let api = Api::new();
    assert_problem(&api.get("/payments/pay_none").await, StatusCode::NOT_FOUND, "payment-not-found");
    assert_problem(&api.get("/payments/42").await, StatusCode::BAD_REQUEST, "invalid-request");
    assert_problem(&api.get("/payments").await, StatusCode::BAD_REQUEST, "invalid-request");
    assert_problem(&api.get("/payments?order_id=a%20b").await, StatusCode::BAD_REQUEST, "invalid-request");
    assert_problem(&api.get("/refunds").await, StatusCode::NOT_FOUND, "no-such-route");
}

#[tokio::test]
async fn a_payment_is_captured_in_part_and_refunded_in_parts() {
    let api = Api::new();
    let payment = api.authorized().await;
    let part = r#"{"amount": {"minor": 1000, "currency": "EUR"}}"#;
    let captured = api.change(&format!("{payment}/capture"), &[], part).await;
    assert_eq!(captured.status, StatusCode::OK, "{}", captured.body);
    assert_eq!(captured.body["status"], "captured");
    assert_eq!(
        (&captured.body["captured_minor"], &captured.headers["etag"]),
        (&json!(1_000), &"\"2\"".parse().unwrap())
    );
    let part = r#"{"amount": {"minor": 300, "currency": "EUR"}}"#;
    let refunded = api.change(&format!("{payment}/refund"), &[("idempotency-key", "refund-1")], part).await;
    assert_eq!((&refunded.body["status"], &refunded.body["refunded_minor"]), (&json!("captured"), &json!(300)));
    let refunded = api.change(&format!("{payment}/refund"), &[("idempotency-key", "refund-2")], "{}").await;
    assert_eq!((&refunded.body["status"], &refunded.body["refunded_minor"]), (&json!("refunded"), &json!(1_000)));
    assert_eq!(api.get(&payment).await.body, refunded.body);
}

#[tokio::test]
async fn a_change_without_a_body_applies_to_the_whole_amount() {
    let api = Api::new();
    let payment = api.authorized().await;
    let captured = api.change(&format!("{payment}/capture"), &[], "").await;
    assert_eq!(captured.body["captured_minor"], 1_299);
    let other = Api::new();
    let payment = other.authorized().await;
    assert_eq!(other.change(&format!("{payment}/void"), &[], "").await.body["status"], "voided");
}

#[tokio::test]
async fn a_refund_needs_a_key_and_is_made_once_per_key() {
    let api = Api::new();
    let payment = api.authorized().await;
    api.change(&format!("{payment}/capture"), &[], "").await;
    let refund = format!("{payment}/refund");
    let part = r#"{"amount": {"minor": 300, "currency": "EUR"}}"#;
    let missing = api.change(&refund, &[], part).await;
    assert_problem(&missing, StatusCode::BAD_REQUEST, "idempotency-key-missing");
    let key = [("idempotency-key", "refund-1")];
    let first = api.change(&refund, &key, part).await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let again = api.change(&refund, &key, part).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &first.body));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = api.change(&refund, &key, "").await;
    assert_problem(&other, StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused");
}

#[tokio::test]
async fn a_capture_and_a_void_accept_a_key() {
    for step in ["capture", "void"] {
        let api = Api::new();
        let path = format!("{}/{step}", api.authorized().await);
        let key = [("idempotency-key", "step-1")];
        let first = api.change(&path, &key, "").await;
        let again = api.change(&path, &key, "").await;
        assert_eq!((again.status, again.body), (StatusCode::OK, first.body));
        let other = api.change(&path, &[], "").await;
        assert_problem(&other, StatusCode::CONFLICT, "illegal-transition");
    }
}

#[tokio::test]
async fn an_impossible_change_reports_the_payment_status() {
    let api = Api::new();
    let payment = api.authorized().await;
    let early = api.change(&format!("{payment}/refund"), &[("idempotency-key", "k")], "").await;
    assert_problem(&early, StatusCode::CONFLICT, "illegal-transition");
    assert_eq!(early.body["payment_status"], "authorized");
    for (amount, problem, pointer) in [
        (json!({"minor": 1_300, "currency": "EUR"}), "amount-unavailable", "/amount/minor"),
        (json!({"minor": 1, "currency": "USD"}), "currency-mismatch", "/amount/currency"),
    ] {
        let body = json!({"amount": amount}).to_string();
        let refused = api.change(&format!("{payment}/capture"), &[], &body).await;
        assert_problem(&refused, StatusCode::UNPROCESSABLE_ENTITY, problem);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    let none = api.change("/payments/pay_none/capture", &[], "").await;
    assert_problem(&none, StatusCode::NOT_FOUND, "payment-not-found");
    assert_eq!(api.get(&payment).await.body["version"], 1);
}

#[tokio::test]
async fn an_invalid_partial_amount_never_captures_the_whole() {
    let api = Api::new();
    let payment = api.authorized().await;
    for body in [
        r#"{"amount": null}"#,
        r#"{"amount": 5}"#,
        r#"{"amount": [5, "EUR"]}"#,
        r#"{"amount": {}}"#,
        r#"{"amout": {}}"#,
        "[]",
        "null",
    ] {
        let refused = api.change(&format!("{payment}/capture"), &[], body).await;
        assert_problem(&refused, StatusCode::BAD_REQUEST, "invalid-request");
    }
    assert_eq!(api.get(&payment).await.body["status"], "authorized");
}

#[tokio::test]
async fn if_match_refuses_a_version_that_the_caller_has_not_seen() {
    let api = Api::new();
    let payment = api.authorized().await;
    let etag = api.get(&payment).await.headers["etag"].to_str().unwrap().to_owned();
    let path = format!("{payment}/capture");
    let stale = api.change(&path, &[("if-match", "\"0\"")], "").await;
    assert_problem(&stale, StatusCode::PRECONDITION_FAILED, "version-mismatch");
    assert_eq!(stale.headers["etag"], etag.as_str());
    let malformed = api.change(&path, &[("if-match", "1")], "").await;
    assert_problem(&malformed, StatusCode::BAD_REQUEST, "invalid-request");
    assert_eq!(malformed.body["errors"][0]["pointer"], "if-match");
    assert_eq!(api.change(&path, &[("if-match", &etag)], "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn direct_and_deferred_publishes_are_counted() {
    let api = Api::new();
    api.pay("key-1", &tea("tok_approve")).await;
    api.pay("key-1", &tea("tok_approve")).await;
    api.publisher.fail_for("ord-42");
    api.pay("key-2", &tea("tok_approve")).await;
    let counts = api.counts.lock().unwrap();
    let counted: Vec<_> = counts.iter().map(|line| (&line["PublishedHot"], &line["Deferred"])).collect();
    assert_eq!(counted, [(&json!(1), &Value::Null), (&Value::Null, &json!(1))]);
}

#[tokio::test]
async fn payments_of_an_order_are_listed_in_pages_that_lead_from_one_to_the_next() {
    let api = Api::new();
    let mut made = Vec::new();
    for number in 0..5 {
        let paid = api.pay(&format!("key-{number}"), &tea("tok_approve")).await;
        made.push(paid.body["payment_id"].as_str().unwrap().to_owned());
    }
    made.sort_unstable();
    let (mut ids, mut sizes, mut next) = (Vec::new(), Vec::new(), Some("?order_id=ord-42&limit=2".to_owned()));
    while let Some(query) = next {
        let page = api.get(&format!("/payments{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let payments = page.body["payments"].as_array().unwrap();
        sizes.push(payments.len());
        ids.extend(payments.iter().map(|payment| payment["payment_id"].as_str().unwrap().to_owned()));
        next = page.body["next"].as_str().map(str::to_owned);
        let link = next.as_ref().map(|next| format!("<{next}>; rel=\"next\""));
        assert_eq!(page.headers.get("link").map(|link| link.to_str().unwrap()), link.as_deref());
    }
    assert_eq!((sizes.as_slice(), &ids), (&[2, 2, 1][..], &made));
}

#[tokio::test]
async fn limits_and_cursors_of_a_list_are_parsed() {
    let api = Api::new();
    for key in ["key-1", "key-2"] {
        api.pay(key, &tea("tok_approve")).await;
    }
    let first = api.get("/payments?order_id=ord-42&limit=1").await;
    let cursor = first.body["next"].as_str().unwrap().split_once("cursor=").unwrap().1.to_owned();
    // A cursor of the same form, but with a key that is no payment id.
    let other = Cursor::new("ord-42", "pay 1");
    for (query, parameter) in [
        ("order_id=ord-42&limit=0".to_owned(), "limit"),
        ("order_id=ord-42&limit=101".to_owned(), "limit"),
        ("order_id=ord-42&cursor=".to_owned(), "cursor"),
        ("order_id=ord-42&cursor=pay_0".to_owned(), "cursor"),
        (format!("order_id=ord-42&cursor={other}"), "cursor"),
        (format!("order_id=ord-42&cursor={cursor}A"), "cursor"),
        (format!("order_id=ord-43&cursor={cursor}"), "cursor"),
        ("order_id=ord-42&page=2".to_owned(), "page"),
    ] {
        let refused = api.get(&format!("/payments?{query}")).await;
        assert_problem(&refused, StatusCode::BAD_REQUEST, "invalid-request");
        assert_eq!(refused.body["errors"][0]["pointer"], parameter, "{query}: {}", refused.body);
    }
}
