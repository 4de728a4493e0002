//! Clients whose every call ends in time, made once, before the first event.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;

/// How long the way out of a request may take Kinesis, all attempts together, in milliseconds. What takes longer is
/// left to the relay.
pub const HOT_PUBLISH_MS: u64 = 400;

/// Attempts on the hot path: one, and one retry.
const HOT_ATTEMPTS_MAX: u32 = 2;

/// For the payments table: three attempts of at most a second each.
pub fn dynamodb(shared: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::config::Builder::from(shared)
        .timeout_config(timeouts(Duration::from_secs(1), Duration::from_secs(3)))
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// For publishing while a caller waits, within [`HOT_PUBLISH_MS`].
pub fn kinesis_hot_path(shared: &SdkConfig) -> aws_sdk_kinesis::Client {
    let operation = Duration::from_millis(HOT_PUBLISH_MS);
    let backoff = Duration::from_millis(20);
    kinesis(
        shared,
        timeouts(operation, operation),
        RetryConfig::standard().with_max_attempts(HOT_ATTEMPTS_MAX).with_initial_backoff(backoff),
    )
}

/// For publishing from the relay, where nobody waits: three attempts of at most five seconds each.
pub fn kinesis_relay(shared: &SdkConfig) -> aws_sdk_kinesis::Client {
    let retries = RetryConfig::standard().with_max_attempts(3);
    kinesis(shared, timeouts(Duration::from_secs(5), Duration::from_secs(15)), retries)
}

fn kinesis(shared: &SdkConfig, timeouts: TimeoutConfig, retries: RetryConfig) -> aws_sdk_kinesis::Client {
    let config = aws_sdk_kinesis::config::Builder::from(shared).timeout_config(timeouts).retry_config(retries).build();
    aws_sdk_kinesis::Client::from_conf(config)
}

fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(attempt)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}
