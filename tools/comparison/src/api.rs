//! Both APIs, as a client sees them.

use std::time::Duration;

use aws_connection::{Https, Trust};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::http::Request;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use payment_events::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::mode::Mode;
use crate::plan::PlannedOrder;
use crate::target::Target;

/// How long an answer may take: as long as API Gateway waits for a function.
const ANSWER_MAX: Duration = Duration::from_secs(29);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A request that did not come to an answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// Another status than one of success.
    #[error("answered {status}: {body}")]
    Status {
        /// The status.
        status: u16,
        /// What came with it.
        body: String,
    },
    /// No answer in time.
    #[error("no answer within {} s", ANSWER_MAX.as_secs())]
    TimedOut,
    /// The connection could not be made, or broke off.
    #[error("no connection: {0}")]
    Connection(String),
    /// An answer that is none of ours.
    #[error("answered with something else: {0}")]
    Garbled(String),
    /// The request could not be made at all.
    #[error("no request: {0}")]
    Request(String),
}

impl ApiError {
    /// What kind of failure it is, in a word or two, to be counted by.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Status { status, .. } => status.to_string(),
            Self::TimedOut => "timed out".to_owned(),
            Self::Connection(_) => "no connection".to_owned(),
            Self::Garbled(_) => "garbled".to_owned(),
            Self::Request(_) => "not sent".to_owned(),
        }
    }
}

/// An order, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct OrderAnswer {
    pub(crate) status: String,
    pub(crate) payment: Decision,
}

/// What an order was decided on.
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

/// A payment, as Payments tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct PaymentAnswer {
    pub(crate) payment_id: String,
    pub(crate) version: u64,
    pub(crate) updated_at: Timestamp,
}

/// What Orders holds of an order's payments.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct CopiesAnswer {
    pub(crate) payments: Vec<CopyAnswer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct CopyAnswer {
    pub(crate) version: u64,
    pub(crate) updated_at: Timestamp,
    pub(crate) stored_at: Timestamp,
}

/// Speaks to both APIs. Connections are kept and used again.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    https: Https,
    target: Target,
}

impl Api {
    pub(crate) fn new(target: Target) -> Self {
        Self { https: Https::new(Trust::System), target }
    }

    pub(crate) async fn place(&self, order: &PlannedOrder) -> Result<OrderAnswer, ApiError> {
        let url = format!("{}{}", self.target.orders_url, order.mode.path());
        self.ask("POST", &url, None, Some(&order.order_body())).await
    }

    pub(crate) async fn pay(&self, order: &PlannedOrder) -> Result<PaymentAnswer, ApiError> {
        let url = format!("{}/payments", self.target.payments_url);
        self.ask("POST", &url, Some(&order.order_id), Some(&order.payment_body())).await
    }

    /// Voids a payment. Its id is the idempotency key: a void whose response was lost is answered alike when it is sent again.
    pub(crate) async fn void(&self, payment_id: &str) -> Result<PaymentAnswer, ApiError> {
        let url = format!("{}/payments/{payment_id}/void", self.target.payments_url);
        self.ask("POST", &url, Some(payment_id), None).await
    }

    pub(crate) async fn order(&self, order_id: &str) -> Result<OrderAnswer, ApiError> {
        self.ask("GET", &format!("{}/orders/{order_id}", self.target.orders_url), None, None).await
    }

    pub(crate) async fn copies(&self, order_id: &str) -> Result<CopiesAnswer, ApiError> {
        self.ask("GET", &format!("{}/orders/{order_id}/payments", self.target.orders_url), None, None).await
    }

    /// Whether orders can be placed in this mode: a route that is not there is refused before anything is read.
    pub(crate) async fn has(&self, mode: Mode) -> Result<bool, ApiError> {
        let url = format!("{}{}", self.target.orders_url, mode.path());
        match self.ask::<Value>("POST", &url, None, Some(&Value::Null)).await {
            Err(ApiError::Status { status: 403 | 404, body }) if !body.contains("/problems/") => Ok(false),
            Ok(_) | Err(ApiError::Status { .. } | ApiError::Garbled(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        url: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<T, ApiError> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let request = self.request(method, url, key, body).await.map_err(ApiError::Request)?;
        let answer = async {
            let answer = self.https.call(request).await;
            let answer = answer.map_err(|error| ApiError::Connection(with_sources(&error)))?;
            let status = answer.status().as_u16();
            let mut stream = ByteStream::new(answer.into_body());
            let mut bytes = Vec::new();
            while let Some(chunk) = stream.next().await {
                bytes.extend_from_slice(&chunk.map_err(|error| ApiError::Connection(with_sources(&error)))?);
                if bytes.len() > ANSWER_BYTES_MAX {
                    return Err(ApiError::Garbled(format!("more than {ANSWER_BYTES_MAX} bytes")));
                }
            }
            if !(200..300).contains(&status) {
                return Err(ApiError::Status { status, body: String::from_utf8_lossy(&bytes).into_owned() });
            }
            serde_json::from_slice(&bytes).map_err(|error| ApiError::Garbled(error.to_string()))
        };
        tokio::time::timeout(ANSWER_MAX, answer).await.unwrap_or(Err(ApiError::TimedOut))
    }

    async fn request(&self, method: &str, url: &str, key: Option<&str>, body: String) -> Result<Request, String> {
        let mut request = Request::new(SdkBody::from(body.clone()));
        request.set_method(method).map_err(|error| error.to_string())?;
        request.set_uri(url).map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        if !body.is_empty() {
            headers.insert("content-type", "application/json");
        }
        if let Some(key) = key {
            headers.insert("idempotency-key", key.to_owned());
        }
        if let Some(signer) = &self.target.signer {
            signer.sign(&mut request, body.as_bytes()).await?;
        }
        Ok(request)
    }
}

/// An error with what caused it: the outermost rarely says what happened.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
