//! Kinesis clients with bounded calls, created once, before the first invocation.

use std::time::Duration;

use aws_connection::timeouts;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::Builder;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_types::SdkConfig;

/// Timeout of a direct publish, all attempts together, in milliseconds. After it, the event is left to the outbox
/// relay.
pub const HOT_PUBLISH_MS: u64 = 400;

/// Backoff before the only retry of a direct publish.
const HOT_BACKOFF: Duration = Duration::from_millis(20);

/// Creates the client for direct publish, while a caller waits: one attempt and one retry, within [`HOT_PUBLISH_MS`].
pub fn kinesis_hot_path(shared: &SdkConfig) -> Client {
    let operation = Duration::from_millis(HOT_PUBLISH_MS);
    let retries = RetryConfig::standard().with_max_attempts(2).with_initial_backoff(HOT_BACKOFF);
    kinesis(shared, timeouts(operation, operation), retries)
}

/// Creates the client for the outbox relay: three attempts of at most five seconds each.
pub fn kinesis_relay(shared: &SdkConfig) -> Client {
    let retries = RetryConfig::standard().with_max_attempts(3);
    kinesis(shared, timeouts(Duration::from_secs(5), Duration::from_secs(15)), retries)
}

fn kinesis(shared: &SdkConfig, timeouts: TimeoutConfig, retries: RetryConfig) -> Client {
    let config = Builder::from(shared).timeout_config(timeouts).retry_config(retries).build();
    Client::from_conf(config)
}
