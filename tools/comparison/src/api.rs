//! Client of both APIs, with the parts of the responses that are measured.

use payment_events::Timestamp;
use paystream_client::{ApiError, Client, Request, Target};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::mode::Mode;
use crate::plan::PlannedOrder;

/// Measured fields of an order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct OrderAnswer {
    pub(crate) status: String,
    pub(crate) payment: Decision,
}

/// Payment info that an order was decided on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Decision {
    pub(crate) decided_at: Timestamp,
    pub(crate) based_on: Vec<BasedOn>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct BasedOn {
    pub(crate) version: u64,
    pub(crate) age_ms: u64,
}

/// Measured fields of a payment in a response of Payments.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct PaymentAnswer {
    pub(crate) payment_id: String,
    pub(crate) version: u64,
    pub(crate) updated_at: Timestamp,
}

/// Read model of an order's payments.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct CopiesAnswer {
    pub(crate) payments: Vec<CopyAnswer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct CopyAnswer {
    pub(crate) version: u64,
    pub(crate) updated_at: Timestamp,
    pub(crate) received_at: Timestamp,
}

/// Client of both APIs. It sends each request once, so that a measurement covers one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Api(Client);

impl Api {
    pub(crate) fn new(target: Target) -> Self {
        Self(Client::new(target))
    }

    pub(crate) async fn place(&self, order: &PlannedOrder) -> Result<OrderAnswer, ApiError> {
        self.ask(Request::post(order.mode.path(), &order.order_body())).await
    }

    pub(crate) async fn pay(&self, order: &PlannedOrder) -> Result<PaymentAnswer, ApiError> {
        self.change("/payments", &order.payment_body(), &order.order_id).await
    }

    /// Makes or changes a payment, under an idempotency key.
    pub(crate) async fn change(&self, path: &str, body: &Value, key: &str) -> Result<PaymentAnswer, ApiError> {
        self.ask(Request::post(path, body).with_key(key)).await
    }

    /// Voids a payment. The payment id is the idempotency key, so a repeated void returns the same response.
    pub(crate) async fn void(&self, payment_id: &str) -> Result<PaymentAnswer, ApiError> {
        self.ask(Request::new("POST", format!("/payments/{payment_id}/void")).with_key(payment_id)).await
    }

    pub(crate) async fn order(&self, order_id: &str) -> Result<OrderAnswer, ApiError> {
        self.ask(Request::get(format!("/orders/{order_id}"))).await
    }

    pub(crate) async fn copies(&self, order_id: &str) -> Result<CopiesAnswer, ApiError> {
        self.ask(Request::get(format!("/orders/{order_id}/payments"))).await
    }

    /// Returns true if the route of this mode exists and the caller may use it.
    pub(crate) async fn has(&self, mode: Mode) -> Result<bool, ApiError> {
        let answer = self.0.send_once(&Request::post(mode.path(), &Value::Null)).await?;
        Ok(![403, 404].contains(&answer.status.as_u16()))
    }

    async fn ask<T: DeserializeOwned>(&self, request: Request) -> Result<T, ApiError> {
        self.0.send_once(&request).await?.read()
    }
}
