//! Delays before a failed batch is retried.

use std::time::Duration;

use uuid::Uuid;

/// Exponential backoff with jitter before a failed batch is retried.
#[derive(Debug, Clone, Copy)]
pub struct RetryDelays {
    /// Longest delay after the first failure; it doubles with each further one.
    pub first: Duration,
    /// Upper limit of the delay.
    pub most: Duration,
}

impl Default for RetryDelays {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), most: Duration::from_secs(10) }
    }
}

impl RetryDelays {
    /// Returns the delay after a failure that `failures` others precede.
    pub(super) fn delay(&self, failures: u32) -> Duration {
        let most = self.first.saturating_mul(1 << failures.min(20)).min(self.most);
        // Jitter between 50% and 100%, so that shards that failed together are not retried together.
        let jitter = f64::from(Uuid::new_v4().as_bytes()[0]) / 510.0;
        most.mul_f64(0.5 + jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_their_limit() {
        let delays = RetryDelays::default();
        for (failures, most_ms) in [(0, 100), (1, 200), (3, 800), (7, 10_000), (u32::MAX, 10_000)] {
            let most = Duration::from_millis(most_ms);
            let delay = delays.delay(failures);
            assert!(delay >= most / 2 && delay <= most, "{failures}: {delay:?}");
        }
    }
}
