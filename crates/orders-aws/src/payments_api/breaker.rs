//! Circuit breaker for calls to Payments.

use std::time::Duration;

use payment_events::Timestamp;

/// Circuit breaker that opens after consecutive failures and stays open for a fixed time. Then it is half-open: one
/// trial lookup is admitted, and its result closes the circuit or keeps it open.
///
/// It uses wall-clock time: Lambda freezes a sandbox between requests, and its monotonic clock may stop meanwhile.
#[derive(Debug)]
pub(super) struct Breaker {
    failures_max: u32,
    open_ms: u64,
    failures: u32,
    /// End of the open state; `None` while closed. Admitting a trial lookup moves it forward, so that no other lookup
    /// is admitted meanwhile. If the trial never reports a result, the next lookup is admitted at that time.
    open_until: Option<Timestamp>,
}

/// Outcome of [`Breaker::admit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// The lookup may run.
    Admitted,
    /// The circuit is open for this many milliseconds from now.
    Rejected { remaining_ms: u64 },
}

/// Result of an admitted lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookupResult {
    Succeeded,
    Failed,
}

/// Effect of a lookup's result on the circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transition {
    /// The circuit was closed and is now open.
    Opened,
    /// Anything else.
    Other,
}

impl Breaker {
    /// Creates a closed circuit that opens for the duration `open` after `failures_max` consecutive failures.
    pub(super) fn new(failures_max: u32, open: Duration) -> Self {
        let open_ms = u64::try_from(open.as_millis()).unwrap_or(u64::MAX);
        Self { failures_max, open_ms, failures: 0, open_until: None }
    }

    /// Admits or rejects a lookup. Must be called before each.
    pub(super) fn admit(&mut self, now: Timestamp) -> Admission {
        if let Some(remaining_ms) = self.remaining_ms(now) {
            return Admission::Rejected { remaining_ms };
        }
        if self.open_until.is_some() {
            self.open_until = Some(now.plus_ms(self.open_ms));
        }
        Admission::Admitted
    }

    /// Returns the remaining open time in milliseconds, or `None` if a lookup would be admitted.
    pub(super) fn remaining_ms(&self, now: Timestamp) -> Option<u64> {
        let remaining_ms = self.open_until?.ms_since(now);
        // A remaining time above `open_ms` means that the clock was set back.
        (1..=self.open_ms).contains(&remaining_ms).then_some(remaining_ms)
    }

    /// Records the result of an admitted lookup.
    pub(super) fn record(&mut self, result: LookupResult, now: Timestamp) -> Transition {
        if result == LookupResult::Succeeded {
            (self.failures, self.open_until) = (0, None);
            return Transition::Other;
        }
        let was_closed = self.open_until.is_none();
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.failures_max {
            self.open_until = Some(now.plus_ms(self.open_ms));
        }
        if was_closed && self.open_until.is_some() { Transition::Opened } else { Transition::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::Admission::Admitted;
    use super::LookupResult::{Failed, Succeeded};
    use super::Transition::{Opened, Other};
    use super::*;

    fn rejected(remaining_ms: u64) -> Admission {
        Admission::Rejected { remaining_ms }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_700_000_000_000 + ms).unwrap()
    }

    /// Breaker that is open from 0 ms to 5,000 ms.
    fn open() -> Breaker {
        let mut breaker = Breaker::new(3, Duration::from_secs(5));
        assert_eq!([0, 0, 0].map(|ms| breaker.record(Failed, at(ms))), [Other, Other, Opened]);
        breaker
    }

    #[test]
    fn it_opens_after_consecutive_failures_and_a_success_resets_the_count() {
        let mut breaker = Breaker::new(3, Duration::from_secs(5));
        for _ in 0..10 {
            breaker.record(Failed, at(0));
            breaker.record(Failed, at(0));
            assert_eq!(breaker.admit(at(0)), Admitted);
            breaker.record(Succeeded, at(0));
        }
        assert_eq!(open().admit(at(1)), rejected(4_999));
    }

    #[test]
    fn it_returns_the_remaining_time_and_then_admits_one_trial() {
        let mut breaker = open();
        assert_eq!(breaker.admit(at(0)), rejected(5_000));
        assert_eq!(breaker.admit(at(4_999)), rejected(1));
        assert_eq!(breaker.admit(at(5_000)), Admitted, "half-open");
        assert_eq!(breaker.admit(at(5_000)), rejected(5_000), "a trial is running");
    }

    #[test]
    fn the_trial_closes_it_or_keeps_it_open() {
        let mut breaker = open();
        assert_eq!(breaker.admit(at(5_000)), Admitted);
        assert_eq!(breaker.record(Failed, at(6_000)), Other, "it was already open");
        assert_eq!(breaker.admit(at(10_999)), rejected(1));
        assert_eq!(breaker.admit(at(11_000)), Admitted);
        breaker.record(Succeeded, at(11_001));
        assert_eq!([breaker.admit(at(11_001)), breaker.admit(at(11_001))], [Admitted, Admitted]);
        assert_eq!(breaker.record(Failed, at(11_002)), Other, "the count was reset");
    }

    #[test]
    fn a_trial_without_a_result_does_not_keep_it_open_forever() {
        let mut breaker = open();
        assert_eq!(breaker.admit(at(5_000)), Admitted);
        assert_eq!((breaker.admit(at(9_999)), breaker.admit(at(10_000))), (rejected(1), Admitted));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_it_open() {
        let mut breaker = open();
        assert_eq!(breaker.admit(at(-3_600_000)), Admitted);
    }
}
