//! A circuit breaker: a service that keeps failing is not asked for a while, and then by one lookup first.

use std::time::Duration;

use payment_events::Timestamp;

/// Closed until so many lookups in a row have failed, then open for a while. When that is over it is half open: one
/// lookup may try, and what comes of it closes the circuit or keeps it open.
///
/// It goes by the time of day, because a sandbox between two requests is frozen and its other clocks may be, too.
#[derive(Debug)]
pub(super) struct Breaker {
    failures_max: u32,
    open_ms: u64,
    failures: u32,
    /// Until when nobody may try. Once that is over, whoever tries moves it on, so that nobody else does meanwhile; should
    /// nothing ever be heard of that lookup, the next one may try then.
    open_until: Option<Timestamp>,
}

/// Whether a lookup may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may.
    Admitted,
    /// None may for so many milliseconds from now.
    Rejected { remaining_ms: u64 },
}

/// What became of a lookup that was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookupResult {
    Answered,
    Failed,
}

/// What a lookup's result did to the circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transition {
    /// It was closed and is open now.
    Opened,
    /// Anything else.
    Other,
}

impl Breaker {
    /// Opens after `failures_max` failures in a row, for as long as `open`.
    pub(super) fn new(failures_max: u32, open: Duration) -> Self {
        let open_ms = u64::try_from(open.as_millis()).unwrap_or(u64::MAX);
        Self { failures_max, open_ms, failures: 0, open_until: None }
    }

    /// Asked before a lookup.
    pub(super) fn admit(&mut self, now: Timestamp) -> Admission {
        if let Some(remaining_ms) = self.remaining_ms(now) {
            return Admission::Rejected { remaining_ms };
        }
        if self.open_until.is_some() {
            self.open_until = Some(now.plus_ms(self.open_ms));
        }
        Admission::Admitted
    }

    /// For how many milliseconds from now nobody may try, where that is so.
    pub(super) fn remaining_ms(&self, now: Timestamp) -> Option<u64> {
        let remaining_ms = self.open_until?.ms_since(now);
        // More than was ever to wait for: the clock was set back.
        (1..=self.open_ms).contains(&remaining_ms).then_some(remaining_ms)
    }

    /// Takes note of how an admitted lookup ended.
    pub(super) fn record(&mut self, result: LookupResult, now: Timestamp) -> Transition {
        if result == LookupResult::Answered {
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
    use super::LookupResult::{Answered, Failed};
    use super::Transition::{Opened, Other};
    use super::*;

    fn rejected(remaining_ms: u64) -> Admission {
        Admission::Rejected { remaining_ms }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_700_000_000_000 + ms).unwrap()
    }

    /// Open from 0 to 5,000.
    fn open() -> Breaker {
        let mut breaker = Breaker::new(3, Duration::from_secs(5));
        assert_eq!([0, 0, 0].map(|ms| breaker.record(Failed, at(ms))), [Other, Other, Opened]);
        breaker
    }

    #[test]
    fn it_opens_at_so_many_failures_in_a_row_and_an_answer_between_them_counts_from_the_beginning() {
        let mut breaker = Breaker::new(3, Duration::from_secs(5));
        for _ in 0..10 {
            breaker.record(Failed, at(0));
            breaker.record(Failed, at(0));
            assert_eq!(breaker.admit(at(0)), Admitted);
            breaker.record(Answered, at(0));
        }
        assert_eq!(open().admit(at(1)), rejected(4_999));
    }

    #[test]
    fn it_says_how_long_it_stays_open_and_then_lets_one_try() {
        let mut breaker = open();
        assert_eq!(breaker.admit(at(0)), rejected(5_000));
        assert_eq!(breaker.admit(at(4_999)), rejected(1));
        assert_eq!(breaker.admit(at(5_000)), Admitted, "half open");
        assert_eq!(breaker.admit(at(5_000)), rejected(5_000), "one is trying");
    }

    #[test]
    fn the_one_that_tries_closes_it_or_keeps_it_open() {
        let mut breaker = open();
        assert_eq!(breaker.admit(at(5_000)), Admitted);
        assert_eq!(breaker.record(Failed, at(6_000)), Other, "it was open");
        assert_eq!(breaker.admit(at(10_999)), rejected(1));
        assert_eq!(breaker.admit(at(11_000)), Admitted);
        breaker.record(Answered, at(11_001));
        assert_eq!([breaker.admit(at(11_001)), breaker.admit(at(11_001))], [Admitted, Admitted]);
        assert_eq!(breaker.record(Failed, at(11_002)), Other, "failures are counted from the beginning");
    }

    #[test]
    fn of_one_that_tries_and_is_never_heard_of_again_nobody_waits_for_ever() {
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
