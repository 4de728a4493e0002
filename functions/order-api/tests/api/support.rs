//! The API with in-memory adapters.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use openapi_routes::testing::{Response, send};
use order_api::{description, router, sync_router};
use orders::testing::samples::{authorized, euros};
use orders::testing::{MemoryOrders, MemoryPayments};
use orders::{FindOrder, PlaceOrder, ProjectPayments, Settle};
use payment_events::{PaymentInfo, Timestamp};
use serde_json::{Value, json};

pub(crate) struct Api {
    pub(crate) router: Router,
    pub(crate) store: Arc<MemoryOrders>,
}

impl Api {
    pub(crate) fn new() -> Self {
        let store = Arc::new(MemoryOrders::default());
        let find = FindOrder::new(store.clone(), Settle::new(store.clone(), store.clone()));
        let router = router(PlaceOrder::new(store.clone(), store.clone()), find, store.clone());
        Self { router, store }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response {
        send(&self.router, &description(), request).await
    }

    /// Synchronous mode with the same store and these payments.
    pub(crate) fn sync(&self, payments: &Arc<MemoryPayments>) -> Self {
        let place = PlaceOrder::new(self.store.clone(), self.store.clone()).asking(payments.clone());
        Self { router: sync_router(place), store: self.store.clone() }
    }

    pub(crate) async fn sync_order(&self, body: &Value) -> Response {
        let request = Request::post("/sync/orders").header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn order(&self, body: &Value) -> Response {
        self.order_raw(&body.to_string()).await
    }

    pub(crate) async fn order_raw(&self, body: &str) -> Response {
        let request = Request::post("/orders").header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Projects a payment, as the projector does.
    pub(crate) async fn project(&self, payment: PaymentInfo) {
        let settle = Settle::new(self.store.clone(), self.store.clone());
        ProjectPayments::new(self.store.clone(), settle).project(vec![payment]).await.unwrap();
    }
}

/// Order of 2 × 5.00 and 1 × 2.99.
pub(crate) fn tea() -> Value {
    json!({"order_id": "ord-1", "customer_id": "cust-7", "lines": [
        {"sku": "tea-100g", "quantity": 2, "unit_price": {"minor": 500, "currency": "EUR"}},
        {"sku": "cup", "quantity": 1, "unit_price": {"minor": 299, "currency": "EUR"}},
    ]})
}

/// Order with the value at `pointer` replaced.
pub(crate) fn with(pointer: &str, value: Value) -> Value {
    let mut body = tea();
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

pub(crate) fn pay(minor: i64) -> PaymentInfo {
    authorized("pay_1", euros(minor))
}

pub(crate) fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}
