//! DynamoDB client with bounded calls.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_types::SdkConfig;

/// Time limit of one attempt. DynamoDB responds in milliseconds, so a retry is better than a longer wait.
const ATTEMPT: Duration = Duration::from_secs(1);
/// Time limit of a DynamoDB call, all attempts included.
const OPERATION: Duration = Duration::from_secs(3);
/// Attempts at one DynamoDB call.
const ATTEMPTS_MAX: u32 = 3;
/// Longest pause before the second attempt; it doubles before the third. The SDK's default of one second would be most
/// of what a caller is willing to wait, for a service that is rarely unavailable for more than a moment.
const BACKOFF: Duration = Duration::from_millis(50);

/// Returns a client whose calls are bounded: three attempts of at most 1 s each, 3 s in total.
pub fn dynamodb(shared: &SdkConfig) -> Client {
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX).with_initial_backoff(BACKOFF);
    let config = Builder::from(shared).timeout_config(timeouts(ATTEMPT, OPERATION)).retry_config(retries);
    Client::from_conf(config.build())
}

/// Returns time limits for one attempt, connecting included, and for all attempts of a call.
pub fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(attempt)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}
