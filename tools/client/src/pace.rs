//! Bounded retries with pauses.

use std::time::Duration;

use tokio::time::Instant;

/// Pauses between attempts, and the bound on them.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pause: Duration,
    pause_max: Duration,
    patience: Duration,
    attempts_max: u32,
}

impl Pace {
    /// Allows attempts for `patience`, with a pause between them. The last attempt may begin just after that time.
    pub const fn within(patience: Duration, pause: Duration) -> Self {
        Self { pause, pause_max: pause, patience, attempts_max: u32::MAX }
    }

    /// Allows at most `attempts_max` attempts, with a pause between them.
    pub const fn times(attempts_max: u32, pause: Duration) -> Self {
        Self { pause, pause_max: pause, patience: Duration::MAX, attempts_max }
    }

    /// Doubles each pause, up to `pause_max`.
    #[must_use]
    pub const fn doubling(self, pause_max: Duration) -> Self {
        Self { pause_max, ..self }
    }

    /// Repeats an attempt until `is_last` holds for its result, or the bound is reached. Returns the last result.
    pub async fn until<T>(&self, mut attempt: impl AsyncFnMut() -> T, is_last: impl Fn(&T) -> bool) -> T {
        let mut attempts = self.begin();
        loop {
            let result = attempt().await;
            if is_last(&result) || !attempts.again().await {
                return result;
            }
        }
    }

    /// Begins the first attempt, for a loop whose future must be `Send`, which the compiler cannot prove of
    /// [`Pace::until`].
    pub fn begin(&self) -> Attempts {
        Attempts { pace: *self, begun: Instant::now(), pause: self.pause, count: 1 }
    }

    /// Polls until `probe` returns a value. Returns `None` if it returns none within the bound.
    pub async fn poll<T>(&self, probe: impl AsyncFnMut() -> Option<T>) -> Option<T> {
        self.until(probe, Option::is_some).await
    }
}

/// Attempts of one loop.
#[derive(Debug)]
pub struct Attempts {
    pace: Pace,
    begun: Instant,
    pause: Duration,
    count: u32,
}

impl Attempts {
    /// Pauses and returns true if another attempt is allowed; returns false immediately if the bound is reached.
    pub async fn again(&mut self) -> bool {
        if self.count >= self.pace.attempts_max || self.begun.elapsed() >= self.pace.patience {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = self.pause.saturating_mul(2).min(self.pace.pause_max);
        self.count += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Returns the times of all attempts, in milliseconds.
    async fn attempts(pace: Pace, succeeds_at: usize) -> Vec<u128> {
        let (begun, mut times) = (Instant::now(), Vec::new());
        let attempt = async || {
            times.push(begun.elapsed().as_millis());
            times.len()
        };
        pace.until(attempt, |attempt| *attempt == succeeds_at).await;
        times
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_end_with_success() {
        assert_eq!(attempts(Pace::within(10 * MS, 2 * MS), 3).await, [0, 2, 4]);
        assert_eq!(attempts(Pace::times(5, 2 * MS), 1).await, [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_end_with_the_bound() {
        assert_eq!(attempts(Pace::within(5 * MS, 2 * MS), 100).await, [0, 2, 4, 6]);
        assert_eq!(attempts(Pace::times(3, 2 * MS), 100).await, [0, 2, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_their_maximum() {
        assert_eq!(attempts(Pace::times(5, MS).doubling(4 * MS), 100).await, [0, 1, 3, 7, 11]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_poll_returns_what_it_finds_or_nothing() {
        let mut left = [None, Some(7)].into_iter();
        assert_eq!(Pace::times(3, MS).poll(async || left.next().flatten()).await, Some(7));
        assert_eq!(Pace::times(3, MS).poll(async || None::<u8>).await, None);
    }
}
