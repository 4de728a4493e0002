//! The adapter: attempts, API key, and time and size bounds.

use std::time::Duration;

use async_trait::async_trait;
use aws_connection::{Https, read_body};
use aws_secrets::ApiKey;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request};
use payment_events::PaymentId;
use payments::{Authorization, Outcome, PaymentProcessor, ProcessorError, ProcessorRecord};

use crate::failure::Failure;
use crate::generic_api::{self, Call};
use crate::{ApiKeys, ProcessorUrl};

/// Time limit of a call, all attempts and reads of the API key included. With it, a payment fits the lease of 10 s: its
/// writes take at most 3 s each.
const CALL_MAX: Duration = Duration::from_millis(2_500);
/// Pause before the second attempt.
const PAUSE: Duration = Duration::from_millis(100);
/// Maximum size of a response body, in bytes.
const RESPONSE_BYTES_MAX: usize = 65_536;

/// Payment processor over HTTP. docs/processor.md has the table of responses and failures.
///
/// A call ends within 2.5 s. It makes a second attempt, with the same idempotency key, if the first failed early in a
/// way that may pass. Redirects are not followed, since they would send the API key elsewhere.
#[derive(Debug)]
pub struct HttpProcessor {
    https: Https,
    url: ProcessorUrl,
    keys: ApiKeys,
    call_max: Duration,
}

impl HttpProcessor {
    /// Creates an adapter to the processor at `url`. `https` must trust its certificate authority.
    pub fn new(https: Https, url: ProcessorUrl, keys: ApiKeys) -> Self {
        Self { https, url, keys, call_max: CALL_MAX }
    }

    /// Replaces the time limit of a call, which is 2.5 s.
    #[must_use]
    pub fn within(self, call_max: Duration) -> Self {
        Self { call_max, ..self }
    }

    /// Reads the API key and connects, so that the first call finds both. A failure is logged, and the first call
    /// does it itself.
    pub async fn connect(&self) {
        let read = async {
            if let Err(failure) = self.keys.current().await {
                tracing::warn!(%failure, "could not prepare calls to the payment processor; the first call will try again");
            }
        };
        tokio::join!(read, self.https.connect(self.url.as_str()));
    }

    /// Makes a call within the time limit.
    async fn call(&self, call: Result<Call<'_>, Failure>) -> Result<ProcessorRecord, ProcessorError> {
        let attempts = async { self.attempts(&call?).await };
        match tokio::time::timeout(self.call_max, attempts).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(ProcessorError::TimedOut(u64::try_from(self.call_max.as_millis()).unwrap_or(u64::MAX))),
        }
    }

    /// Makes at most two attempts.
    async fn attempts(&self, call: &Call<'_>) -> Result<ProcessorRecord, Failure> {
        let key = self.keys.current().await?;
        match self.attempt(call, &key).await {
            Err(Failure::KeyRefused(status)) => {
                let other = self.keys.instead_of(&key).await?;
                if other == key {
                    return Err(Failure::KeyRefused(status));
                }
                tracing::info!("the payment processor refused its API key; the secret has another, which is used now");
                self.attempt(call, &other).await
            }
            Err(failure) if failure.is_transient() => {
                tracing::warn!(%failure, path = call.path, "a call to the payment processor failed and will be retried");
                tokio::time::sleep(PAUSE).await;
                self.attempt(call, &key).await
            }
            result => result,
        }
    }

    async fn attempt(&self, call: &Call<'_>, key: &ApiKey) -> Result<ProcessorRecord, Failure> {
        let response = self.https.call(self.request(call, key)?).await.map_err(Failure::Connection)?;
        let status = response.status().as_u16();
        let body = read_body(response.into_body(), RESPONSE_BYTES_MAX).await?;
        generic_api::record(status, &body)
    }

    fn request(&self, call: &Call<'_>, key: &ApiKey) -> Result<HttpRequest, Failure> {
        let unusable = || Failure::UnusableKey(self.keys.arn().to_owned());
        if !key.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unusable());
        }
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.expose())).map_err(|_| unusable())?;
        bearer.set_sensitive(true);
        let mut request = Request::builder()
            .method(&call.method)
            .uri(format!("{}{}", self.url.as_str(), call.path))
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/json");
        if let Some(key) = call.idempotency_key {
            request = request.header("idempotency-key", key.as_str());
        }
        if !call.body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(SdkBody::from(call.body.clone())).map_err(|_| Failure::NotBuilt)?;
        HttpRequest::try_from(request).map_err(|_| Failure::NotBuilt)
    }
}

impl From<Failure> for ProcessorError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.to_string())
    }
}

#[async_trait]
impl PaymentProcessor for HttpProcessor {
    async fn authorize(&self, authorization: Authorization<'_>) -> Result<Outcome, ProcessorError> {
        let record = self.call(generic_api::authorize(&authorization)).await?;
        Ok(generic_api::outcome(record)?)
    }

    async fn look_up(&self, idempotency_key: &PaymentId) -> Result<ProcessorRecord, ProcessorError> {
        self.call(Ok(generic_api::look_up(idempotency_key))).await
    }

    async fn void(&self, idempotency_key: &PaymentId) -> Result<(), ProcessorError> {
        let record = self.call(Ok(generic_api::void(idempotency_key))).await?;
        Ok(generic_api::voided(&record)?)
    }
}
