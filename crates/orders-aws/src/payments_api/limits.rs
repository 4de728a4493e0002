//! How long Payments is waited for, and how often it is asked.

use std::time::Duration;

/// The bounds of [`PaymentsApi`](super::PaymentsApi).
///
/// Whoever waits is a client behind API Gateway, which gives up after 29 s, and a function with a timeout that
/// `template.yaml` sets; both are longer than `overall` and the calls of the table that follow it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For one attempt, connecting and reading the answer included.
    pub attempt: Duration,
    /// For a lookup, both attempts and the pause included.
    pub overall: Duration,
    /// The longest pause before the second attempt. How long it is, from nothing on, is left to chance, so that those who
    /// failed together do not come back together.
    pub pause_max: Duration,
    /// Second attempts are at most this share of the lookups that were answered in the last [`Limits::RETRY_WINDOW`] …
    pub retry_share: f32,
    /// … and so many a second beside that, for whoever has not asked much yet.
    pub retries_a_second: u32,
    /// Lookups in a row that fail before the circuit breaker opens.
    pub failures_max: u32,
    /// How long the circuit breaker stays open.
    pub open: Duration,
}

impl Limits {
    /// What the share of second attempts is counted over.
    pub const RETRY_WINDOW: Duration = Duration::from_secs(10);
}

impl Default for Limits {
    /// Payments answers in some ten milliseconds, and after a cold start in less than a second. The first attempt is given
    /// time for a bad moment, the second one what is left.
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
