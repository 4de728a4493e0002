//! The API with in-memory adapters.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use openapi_routes::testing::{Response, send};
use payment_api::{Service, TestTokens, description, router};
use payments::testing::{MemoryCharges, MemoryPayments, RecordingPublisher};
use payments::{AcceptPayment, ChangePayment, Publication, PublishMode};
use serde_json::{Value, json};
use telemetry::Metrics;

pub(crate) struct Api {
    pub(crate) router: Router,
    pub(crate) publisher: Arc<RecordingPublisher>,
    pub(crate) counts: Arc<Mutex<Vec<Value>>>,
}

impl Api {
    pub(crate) fn new() -> Self {
        let (store, publisher) = (Arc::new(MemoryPayments::default()), Arc::new(RecordingPublisher::default()));
        let mode = PublishMode::Direct(Publication::new(publisher.clone(), store.clone()));
        let accept = AcceptPayment::new(store.clone(), MemoryCharges::simulator(), mode.clone(), 10_000);
        let change = ChangePayment::new(store.clone(), mode);
        let counts = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&counts);
        let metrics =
            Metrics::new("payments", move |line| into.lock().unwrap().push(serde_json::from_str(line).unwrap()));
        Self {
            router: router(Service { accept, change, queries: store, metrics, test_tokens: TestTokens::Accept }),
            publisher,
            counts,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response {
        send(&self.router, &description(), request).await
    }

    pub(crate) async fn pay(&self, key: &str, body: &Value) -> Response {
        let request = Request::post("/payments").header("content-type", "application/json");
        self.send(request.header("idempotency-key", key).body(Body::from(body.to_string())).unwrap()).await
    }

    /// Sends a change of a payment. An empty `body` means a request without a body.
    pub(crate) async fn change(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
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
    pub(crate) async fn authorized(&self) -> String {
        let paid = self.pay("key-of-payment", &tea("tok_approve")).await;
        format!("/{}", paid.headers["location"].to_str().unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }
}

pub(crate) fn tea(token: &str) -> Value {
    json!({"order_id": "ord-42", "amount": {"minor": 1299, "currency": "EUR"}, "method": {"token": token}})
}

/// Returns a valid payment body with the value at `pointer` replaced.
pub(crate) fn with(pointer: &str, value: Value) -> Value {
    let mut body = tea("tok_approve");
    *body.pointer_mut(pointer).unwrap() = value;
    body
}
