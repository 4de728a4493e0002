//! The client of both APIs.

use std::time::Duration;

use aws_connection::{Https, Trust};
use aws_smithy_runtime_api::http::Request as HttpRequest;
use aws_smithy_types::body::SdkBody;

use crate::answer::{Answer, Outcome};
use crate::{ApiError, Bounds, Pace, Request, Signer, exchange};

/// API Gateway waits up to 30 s for a function; the rest is for its own error. The longest response is the local
/// environment's list of 1,000 failed batches, most of which are small.
const BOUNDS: Bounds = Bounds { answer_max: Duration::from_secs(35), answer_bytes_max: 512 * 1024 * 1024 };

/// URLs of both APIs, and the signer of requests.
#[derive(Debug, Clone)]
pub struct Target {
    /// Base URL of Payments, without a trailing slash.
    pub payments_url: String,
    /// Base URL of Orders, without a trailing slash.
    pub orders_url: String,
    /// Signs requests, if the APIs use IAM authorization.
    pub signer: Option<Signer>,
}

impl Target {
    /// Returns the target of the local environment, which serves both APIs at one URL and requires no signature.
    pub fn local(url: &str) -> Self {
        Self { payments_url: url.to_owned(), orders_url: url.to_owned(), signer: None }
    }

    fn url(&self, path: &str) -> String {
        let api = if path.starts_with("/payments") { &self.payments_url } else { &self.orders_url };
        format!("{api}{path}")
    }
}

/// Sends requests to both APIs. Clones share one connection pool.
#[derive(Debug, Clone)]
pub struct Client {
    https: Https,
    target: Target,
}

impl Client {
    /// Creates a client of these APIs.
    pub fn new(target: Target) -> Self {
        Self { https: Https::new(Trust::System), target }
    }

    /// Sends a request until it is decided ([`Outcome::Decided`]). Retries if the API asks for it, after a 502 or a
    /// 504, and without a response. Returns the last result.
    pub async fn send_until_decided(&self, request: &Request, pace: Pace) -> Result<Answer, ApiError> {
        let is_decided =
            |answer: &Result<Answer, _>| answer.as_ref().is_ok_and(|answer| answer.outcome() == Outcome::Decided);
        pace.until(async || self.send_once(request).await, is_decided).await
    }

    /// Sends a request once.
    pub async fn send_once(&self, request: &Request) -> Result<Answer, ApiError> {
        let request = self.http_request(request).await.map_err(ApiError::Request)?;
        Ok(exchange(&self.https, request, BOUNDS).await?.into())
    }

    async fn http_request(&self, request: &Request) -> Result<HttpRequest, String> {
        let mut http = HttpRequest::new(SdkBody::from(request.body.clone()));
        http.set_method(&request.method).map_err(|error| error.to_string())?;
        http.set_uri(self.target.url(&request.path)).map_err(|error| error.to_string())?;
        for (name, value) in &request.headers {
            http.headers_mut().try_append(name.clone(), value.clone()).map_err(|error| error.to_string())?;
        }
        if let Some(signer) = &self.target.signer {
            signer.sign(&mut http).await?;
        }
        Ok(http)
    }
}
