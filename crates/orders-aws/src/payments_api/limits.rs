//! Timeouts, retries and circuit breaker settings for calls to Payments.

use std::time::Duration;

/// Limits of [`PaymentsApi`](super::PaymentsApi).
///
/// API Gateway times out after 29 s, and the function after the timeout in `template.yaml`. Both are longer than
/// `overall` plus the table calls that follow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Timeout for connecting, including TLS.
    pub connect: Duration,
    /// Timeout for one attempt, including connecting and reading the response.
    pub attempt: Duration,
    /// Timeout for a lookup, including every page, retry and pause.
    pub overall: Duration,
    /// Maximum pause before the retry. The pause is random between zero and this (full jitter), so that lookups that
    /// failed together do not retry together.
    pub pause_max: Duration,
    /// Retry budget: retries as a share of the successful attempts in the last [`Limits::RETRY_WINDOW`].
    pub retry_share: f32,
    /// Retry budget: retries per second in addition to `retry_share`, for a sandbox with few lookups.
    pub retries_a_second: u32,
    /// Consecutive failed lookups after which the circuit breaker opens.
    pub failures_max: u32,
    /// Time for which the circuit breaker stays open.
    pub open: Duration,
}

impl Limits {
    /// Window of the retry budget.
    pub const RETRY_WINDOW: Duration = Duration::from_secs(10);
}

impl Default for Limits {
    /// Payments responds in about ten milliseconds, and within a second after a cold start. The first attempt has room
    /// for an outlier; the retry, or further pages, have the rest of `overall`. A page of 100 payments takes a few tens
    /// of milliseconds, and a lookup reads at most 20 pages.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            attempt: Duration::from_secs(3),
            overall: Duration::from_secs(5),
            pause_max: Duration::from_millis(100),
            retry_share: 0.2,
            retries_a_second: 1,
            failures_max: 3,
            open: Duration::from_secs(5),
        }
    }
}
