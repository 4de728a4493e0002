//! Kinesis clients whose every call ends in time, made once, before the first event.

use std::time::Duration;

use aws_connection::timeouts;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::Builder;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_types::SdkConfig;

/// How long the way out of a request may take Kinesis, all attempts together, in milliseconds. What takes longer is
/// left to the relay.
pub const HOT_PUBLISH_MS: u64 = 400;

/// The wait before the only retry on the way out of a request.
const HOT_BACKOFF: Duration = Duration::from_millis(20);

/// For publishing while a caller waits: one attempt and one retry, within [`HOT_PUBLISH_MS`].
pub fn kinesis_hot_path(shared: &SdkConfig) -> Client {
    let operation = Duration::from_millis(HOT_PUBLISH_MS);
    let retries = RetryConfig::standard().with_max_attempts(2).with_initial_backoff(HOT_BACKOFF);
    kinesis(shared, timeouts(operation, operation), retries)
}

/// For publishing from the relay, where nobody waits: three attempts of at most five seconds each.
pub fn kinesis_relay(shared: &SdkConfig) -> Client {
    let retries = RetryConfig::standard().with_max_attempts(3);
    kinesis(shared, timeouts(Duration::from_secs(5), Duration::from_secs(15)), retries)
}

fn kinesis(shared: &SdkConfig, timeouts: TimeoutConfig, retries: RetryConfig) -> Client {
    let config = Builder::from(shared).timeout_config(timeouts).retry_config(retries).build();
    Client::from_conf(config)
}
