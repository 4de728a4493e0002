//! Secrets of AWS Secrets Manager: the credentials and the certificate authority of a message broker, and the API key of a
//! payment processor.
//!
//! The formats of a broker's secrets are those that Lambda's event source mappings require of the same secrets, so that one
//! secret serves both: `{"username": "…", "password": "…"}` and `{"certificate": "…"}`, a certificate authority as PEM. An
//! API key is `{"api_key": "…"}`.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/kafka-cluster-auth.html> and
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html>.
//!
//! A secret is read at each call and not kept, so that a rotated secret needs no deployment. No error, log line or `Debug`
//! output contains any part of a secret.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod content;
mod error;
mod get_secret_value;

use std::fmt;
use std::time::Duration;

use aws_connection::{Aws, Endpoint, Https};
use aws_types::SdkConfig;

pub use error::{Failure, SecretError};

/// Time limit of one attempt, connecting included.
const ATTEMPT_MAX: Duration = Duration::from_secs(3);
/// Pause before the second attempt.
const PAUSE: Duration = Duration::from_millis(100);

/// Read access to the secrets of a region. A call ends within 6.1 s: two attempts of at most 3 s, the second only after a
/// failure that may pass.
#[derive(Debug, Clone)]
pub struct Secrets {
    config: SdkConfig,
    https: Https,
    url: String,
    attempt_max: Duration,
}

/// Username and password of a message broker.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Username.
    pub username: String,
    /// Password.
    pub password: String,
}

/// Shows the username only.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// API key of an HTTP service.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Returns the key, for the request header only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Hides the key.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

impl Secrets {
    /// Creates a reader with the connections, the credentials and the endpoint of `aws`.
    pub fn new(aws: &Aws) -> Self {
        Self {
            config: aws.config().clone(),
            https: aws.https().clone(),
            url: aws.url(Endpoint::SecretsManager).to_owned(),
            attempt_max: ATTEMPT_MAX,
        }
    }

    /// Creates a reader of the service at `url`, for the region and with the credentials of `config`.
    pub fn at(config: SdkConfig, https: Https, url: impl Into<String>) -> Self {
        Self { config, https, url: url.into(), attempt_max: ATTEMPT_MAX }
    }

    /// Like [`Secrets::new`], with this time limit for one attempt.
    pub fn within(aws: &Aws, attempt_max: Duration) -> Self {
        Self { attempt_max, ..Self::new(aws) }
    }

    /// Returns the credentials in the secret `{"username": "…", "password": "…"}`.
    pub async fn credentials(&self, arn: &str) -> Result<Credentials, SecretError> {
        let text = self.text(arn).await?;
        content::credentials(&text).map_err(|failure| SecretError::new(arn, failure))
    }

    /// Returns the certificate authority in the secret `{"certificate": "…"}`, as PEM. Its certificates are not checked.
    pub async fn certificate(&self, arn: &str) -> Result<String, SecretError> {
        let text = self.text(arn).await?;
        content::certificate(&text).map_err(|failure| SecretError::new(arn, failure))
    }

    /// Returns the API key in the secret `{"api_key": "…"}`. Its characters are not checked.
    pub async fn api_key(&self, arn: &str) -> Result<ApiKey, SecretError> {
        let text = self.text(arn).await?;
        content::api_key(&text).map(ApiKey).map_err(|failure| SecretError::new(arn, failure))
    }

    async fn text(&self, arn: &str) -> Result<String, SecretError> {
        let result = match self.attempt(arn).await {
            Err(failure) if failure.is_transient() => {
                tracing::warn!(arn, %failure, "reading a secret failed and will be retried");
                tokio::time::sleep(PAUSE).await;
                self.attempt(arn).await
            }
            result => result,
        };
        result.map_err(|failure| SecretError::new(arn, failure))
    }

    async fn attempt(&self, arn: &str) -> Result<String, Failure> {
        let call = get_secret_value::call(&self.config, &self.https, &self.url, arn);
        let timed_out = Failure::TimedOut { url: self.url.clone(), limit: self.attempt_max };
        tokio::time::timeout(self.attempt_max, call).await.unwrap_or(Err(timed_out))
    }
}
