//! A DynamoDB client whose every call ends in time.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_types::SdkConfig;

/// How long one attempt at a DynamoDB call may take. It answers in milliseconds: what takes longer is better tried again.
const ATTEMPT: Duration = Duration::from_secs(1);
/// How long a DynamoDB call may take, all attempts together.
const OPERATION: Duration = Duration::from_secs(3);
/// Attempts at one DynamoDB call.
const ATTEMPTS_MAX: u32 = 3;
/// The longest pause before the second attempt; the next one may be twice that. The SDK's own second would be most of what
/// a caller is willing to wait, for a service that is rarely away for more than a moment.
const BACKOFF: Duration = Duration::from_millis(50);

/// A DynamoDB client whose every call ends in time: three attempts, of at most a second each.
pub fn dynamodb(shared: &SdkConfig) -> Client {
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX).with_initial_backoff(BACKOFF);
    let config = Builder::from(shared).timeout_config(timeouts(ATTEMPT, OPERATION)).retry_config(retries);
    Client::from_conf(config.build())
}

/// Bounds on an attempt (connecting included) and on all attempts at a call together.
pub fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(attempt)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}
