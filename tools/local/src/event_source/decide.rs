//! Retry, bisect and discard rules of event source mappings, without I/O.
//!
//! A batch is delivered front to back, in pieces. The function is invoked with the first piece until it is handled or
//! discarded, then with the next one. Records are therefore settled strictly in order.

use std::collections::VecDeque;
use std::ops::Range;

/// Settings of the mapping that apply after a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// `BisectBatchOnFunctionError`
    pub(crate) bisect: bool,
    /// `MaximumRetryAttempts`; `None` means no limit.
    pub(crate) retries_max: Option<u32>,
}

/// Outcome of an invocation with a piece of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BatchOutcome {
    /// All records were handled.
    Succeeded,
    /// No record counts as handled.
    Failed,
    /// The records before this index into the piece were handled. It is the lowest one reported as failed.
    FailedFrom(usize),
    /// The invocation was throttled; the function did not run.
    Throttled,
}

/// Consequence of an outcome, as indexes into the batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Decision {
    /// Records that are now handled.
    pub(crate) handled: Range<usize>,
    /// Records that are now discarded. They directly follow the handled ones.
    pub(crate) discarded: Range<usize>,
    /// Number of earlier failures, from which `RetryDelays` computes the delay before the next invocation. `None`: no
    /// delay.
    pub(crate) pause: Option<u32>,
}

/// State of a batch while it is delivered.
#[derive(Debug)]
pub(crate) struct Delivery {
    policy: RetryPolicy,
    /// Number of settled records, at the front of the batch.
    settled: usize,
    pieces: VecDeque<Piece>,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Exclusive. The piece begins at the end of the previous one.
    end: usize,
    /// Failed attempts that count towards `MaximumRetryAttempts`.
    failures: u32,
}

impl Delivery {
    /// Starts the delivery of a batch of `count` records.
    pub(crate) fn new(count: usize, policy: RetryPolicy) -> Self {
        let pieces = if count == 0 { VecDeque::new() } else { VecDeque::from([Piece { end: count, failures: 0 }]) };
        Self { policy, settled: 0, pieces }
    }

    /// Returns the records to invoke with next; `None` when all are settled.
    pub(crate) fn next(&self) -> Option<Range<usize>> {
        self.pieces.front().map(|piece| self.settled..piece.end)
    }

    /// Discards the first `count` records of the next piece because they exceed the maximum age.
    pub(crate) fn expire(&mut self, count: usize) -> Decision {
        let discarded = self.settle(count);
        Decision { handled: discarded.start..discarded.start, discarded, pause: None }
    }

    /// Applies the outcome of the invocation with the next piece.
    pub(crate) fn record_outcome(&mut self, outcome: BatchOutcome) -> Decision {
        let Some(piece) = self.next() else { return Decision::default() };
        match outcome {
            BatchOutcome::Succeeded => self.decision(piece.len(), 0, None),
            BatchOutcome::Throttled => self.decision(0, 0, Some(0)),
            // As documented, the batch is split at the reported record: the records before it are handled, and the
            // split does not count as a retry. If the first record is reported, there is nothing to split.
            BatchOutcome::FailedFrom(index) if index > 0 && self.policy.bisect => self.decision(index, 0, Some(0)),
            BatchOutcome::FailedFrom(index) => self.fail(index.min(piece.len())),
            BatchOutcome::Failed if self.policy.bisect && piece.len() > 1 => {
                self.split(piece.start + piece.len() / 2);
                self.decision(0, 0, Some(0))
            }
            BatchOutcome::Failed => self.fail(0),
        }
    }

    /// Counts a failed attempt of the piece, after its first `handled` records. Discards the rest when no retry is
    /// left.
    fn fail(&mut self, handled: usize) -> Decision {
        let Some(piece) = self.pieces.front_mut() else { return Decision::default() };
        let rest = piece.end - self.settled - handled;
        if self.policy.retries_max.is_some_and(|most| piece.failures >= most) {
            return self.decision(handled, rest, None);
        }
        piece.failures = piece.failures.saturating_add(1);
        let pause = piece.failures - 1;
        self.decision(handled, 0, Some(pause))
    }

    fn decision(&mut self, handled: usize, discarded: usize, pause: Option<u32>) -> Decision {
        Decision { handled: self.settle(handled), discarded: self.settle(discarded), pause }
    }

    /// Splits the first piece. Both halves keep its number of failures.
    fn split(&mut self, at: usize) {
        if let Some(piece) = self.pieces.front().copied() {
            self.pieces.push_front(Piece { end: at, ..piece });
        }
    }

    fn settle(&mut self, count: usize) -> Range<usize> {
        let start = self.settled;
        self.settled += count;
        while self.pieces.front().is_some_and(|piece| piece.end <= self.settled) {
            self.pieces.pop_front();
        }
        start..self.settled
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn delivery(count: usize, bisect: bool, retries_max: Option<u32>) -> Delivery {
        Delivery::new(count, RetryPolicy { bisect, retries_max })
    }

    fn decided(handled: Range<usize>, discarded: Range<usize>, pause: Option<u32>) -> Decision {
        Decision { handled, discarded, pause }
    }

    #[test]
    fn success_settles_the_whole_batch() {
        let mut delivery = delivery(3, true, Some(0));
        assert_eq!(delivery.next(), Some(0..3));
        assert_eq!(delivery.record_outcome(BatchOutcome::Succeeded), decided(0..3, 3..3, None));
        assert_eq!(delivery.next(), None);
    }

    #[test]
    fn item_failures_checkpoint_at_the_lowest_record_and_retry_from_there() {
        let mut delivery = delivery(10, false, None);
        assert_eq!(delivery.record_outcome(BatchOutcome::FailedFrom(4)), decided(0..4, 4..4, Some(0)));
        assert_eq!(delivery.next(), Some(4..10));
        assert_eq!(delivery.record_outcome(BatchOutcome::FailedFrom(0)), decided(4..4, 4..4, Some(1)));
        assert_eq!(delivery.record_outcome(BatchOutcome::Succeeded), decided(4..10, 10..10, None));
    }

    #[test]
    fn a_failed_batch_is_discarded_after_its_retries() {
        let mut delivery = delivery(2, false, Some(2));
        assert_eq!(delivery.record_outcome(BatchOutcome::Failed), decided(0..0, 0..0, Some(0)));
        assert_eq!(delivery.record_outcome(BatchOutcome::Failed), decided(0..0, 0..0, Some(1)));
        assert_eq!(delivery.record_outcome(BatchOutcome::Failed), decided(0..0, 0..2, None));
        assert_eq!(delivery.next(), None);
    }

    #[test]
    fn bisecting_finds_the_bad_record_and_uses_up_no_attempt() {
        let (bad, mut delivery) = (5, delivery(8, true, Some(0)));
        let (mut handled, mut discarded) = (0, Vec::new());
        while let Some(range) = delivery.next() {
            let decision = delivery.record_outcome(if range.contains(&bad) {
                BatchOutcome::Failed
            } else {
                BatchOutcome::Succeeded
            });
            handled += decision.handled.len();
            discarded.extend(decision.discarded);
        }
        assert_eq!((handled, discarded), (7, vec![bad]));
    }

    #[test]
    fn with_bisecting_a_split_at_the_reported_record_uses_up_no_attempt_but_a_repeated_report_does() {
        let mut delivery = delivery(4, true, Some(1));
        assert_eq!(delivery.record_outcome(BatchOutcome::FailedFrom(2)), decided(0..2, 2..2, Some(0)));
        assert_eq!(delivery.record_outcome(BatchOutcome::FailedFrom(0)), decided(2..2, 2..2, Some(0)));
        assert_eq!(delivery.record_outcome(BatchOutcome::FailedFrom(0)), decided(2..2, 2..4, None));
    }

    #[test]
    fn throttling_uses_up_no_attempt() {
        let mut delivery = delivery(1, false, Some(0));
        for _ in 0..3 {
            assert_eq!(delivery.record_outcome(BatchOutcome::Throttled), decided(0..0, 0..0, Some(0)));
        }
        assert_eq!(delivery.record_outcome(BatchOutcome::Succeeded).handled, 0..1);
    }

    #[test]
    fn records_over_the_maximum_age_are_discarded_and_the_rest_is_delivered() {
        let mut delivery = delivery(5, false, None);
        assert_eq!(delivery.expire(2), decided(0..0, 0..2, None));
        assert_eq!(delivery.next(), Some(2..5));
        assert_eq!(delivery.expire(3).discarded, 2..5);
        assert_eq!(delivery.next(), None);
    }

    #[test]
    fn an_empty_batch_is_settled() {
        assert_eq!(delivery(0, true, None).next(), None);
    }

    /// Event of a schedule. Its number is reduced modulo the size of the piece.
    #[derive(Debug, Clone)]
    enum Step {
        Outcome(BatchOutcome),
        Expire(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Outcome(BatchOutcome::Succeeded)),
            Just(Step::Outcome(BatchOutcome::Failed)),
            Just(Step::Outcome(BatchOutcome::Throttled)),
            (0..50_usize).prop_map(|index| Step::Outcome(BatchOutcome::FailedFrom(index))),
            (0..50_usize).prop_map(Step::Expire),
        ]
    }

    proptest! {
        /// Under any schedule, every record is settled once and in order, and only after it was delivered or discarded.
        #[test]
        fn every_record_is_delivered_in_order_or_discarded(
            count in 0..50_usize,
            bisect: bool,
            retries_max in proptest::option::of(0..4_u32),
            steps in proptest::collection::vec(step(), 0..100),
        ) {
            let mut delivery = delivery(count, bisect, retries_max);
            let mut settled = 0;
            let mut steps = steps.into_iter();
            while let Some(piece) = delivery.next() {
                prop_assert_eq!(piece.start, settled, "the next piece begins at the first unsettled record");
                prop_assert!(!piece.is_empty() && piece.end <= count);
                // After the schedule every invocation succeeds, so the delivery must end.
                let decision = match steps.next().unwrap_or(Step::Outcome(BatchOutcome::Succeeded)) {
                    Step::Expire(number) => delivery.expire(number % (piece.len() + 1)),
                    Step::Outcome(BatchOutcome::FailedFrom(number)) => {
                        let index = number % piece.len();
                        let decision = delivery.record_outcome(BatchOutcome::FailedFrom(index));
                        prop_assert_eq!(decision.handled.len(), index, "only records before the report are handled");
                        decision
                    }
                    Step::Outcome(outcome) => {
                        let decision = delivery.record_outcome(outcome);
                        let handled = if outcome == BatchOutcome::Succeeded { piece.len() } else { 0 };
                        prop_assert_eq!(decision.handled.len(), handled);
                        decision
                    }
                };
                prop_assert_eq!(decision.handled.start, settled);
                prop_assert_eq!(decision.discarded.start, decision.handled.end);
                if retries_max.is_none() && decision.pause.is_some() {
                    prop_assert!(decision.discarded.is_empty(), "without a retry limit only age discards records");
                }
                settled = decision.discarded.end;
                prop_assert!(settled <= count);
            }
            prop_assert_eq!(settled, count);
        }

        /// Splits, and the attempts of each piece, bound the number of invocations.
        #[test]
        fn a_retry_limit_bounds_the_invocations_of_a_batch_that_always_fails(
            count in 1..200_usize,
            bisect: bool,
            retries_max in 0..4_u32,
        ) {
            let mut delivery = delivery(count, bisect, Some(retries_max));
            let mut invocations = 0;
            while delivery.next().is_some() {
                delivery.record_outcome(BatchOutcome::Failed);
                invocations += 1;
            }
            let splits = if bisect { count - 1 } else { 0 };
            let pieces = splits + 1;
            prop_assert_eq!(invocations, splits + pieces * (retries_max as usize + 1));
        }
    }
}
