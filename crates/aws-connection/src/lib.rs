//! How functions connect to AWS.
//!
//! One HTTPS client serves every AWS client of a function, so that trust roots are read once. It uses rustls with
//! `ring`: the SDK's default, `aws-lc`, adds a megabyte to a function and half a minute to a first build.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

/// What all AWS clients of a function start from: region, credentials and endpoints as the environment tells them, over
/// one HTTPS client.
///
/// Timeouts and retries are each client's own: how long a call may take depends on who waits for it.
pub async fn shared_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).http_client(https_client()).load().await
}

/// The HTTPS client. It speaks plain HTTP with an endpoint that asks for it, as emulators do.
pub fn https_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// How long one attempt at a DynamoDB call may take. It answers in milliseconds: what takes longer is better tried again.
const DYNAMODB_ATTEMPT: Duration = Duration::from_secs(1);
/// How long a DynamoDB call may take, all attempts together.
const DYNAMODB_OPERATION: Duration = Duration::from_secs(3);
/// Attempts at one DynamoDB call.
const DYNAMODB_ATTEMPTS_MAX: u32 = 3;
/// The longest pause before the second attempt; the next one may be twice that. The SDK's own second would be most of what
/// a caller is willing to wait, for a service that is rarely away for more than a moment.
const DYNAMODB_BACKOFF: Duration = Duration::from_millis(50);

/// A DynamoDB client whose every call ends in time: three attempts, of at most a second each.
pub fn dynamodb(shared: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::config::Builder::from(shared)
        .timeout_config(timeouts(DYNAMODB_ATTEMPT, DYNAMODB_OPERATION))
        .retry_config(
            RetryConfig::standard().with_max_attempts(DYNAMODB_ATTEMPTS_MAX).with_initial_backoff(DYNAMODB_BACKOFF),
        )
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// Bounds on an attempt (connecting included) and on all attempts at a call together.
pub fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(attempt)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}
