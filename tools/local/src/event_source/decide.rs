//! What becomes of a batch, given how its invocations end: the rules of event source mappings, apart from any I/O.
//!
//! A batch is delivered from its front to its back, in pieces. The piece in front is invoked until it is handled or given
//! up; only then comes the next. So whatever happens, records are settled strictly in order, and the checkpoint is always
//! the end of what is settled.

use std::collections::VecDeque;
use std::ops::Range;

/// Settings of the mapping that decide what follows a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// `BisectBatchOnFunctionError`
    pub(crate) bisect: bool,
    /// `MaximumRetryAttempts`; `None` is without limit.
    pub(crate) retries_max: Option<u32>,
}

/// How an invocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BatchOutcome {
    /// All of it was handled.
    Succeeded,
    /// None of it counts as handled.
    Failed,
    /// Handled up to this index into the piece, which is the lowest that was reported as failed.
    FailedFrom(usize),
    /// The function was not invoked.
    Throttled,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Decision {
    /// Records that are handled now.
    pub(crate) handled: Range<usize>,
    /// Records that are discarded now; they come right after those that are handled.
    pub(crate) discarded: Range<usize>,
    /// Pause before the next invocation, the longer the higher the number.
    pub(crate) pause: Option<u32>,
}

/// A batch on its way.
#[derive(Debug)]
pub(crate) struct Delivery {
    rules: RetryPolicy,
    /// Everything before this index is settled.
    settled: usize,
    pieces: VecDeque<Piece>,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    /// It begins where the one before it ends.
    end: usize,
    /// Failed attempts that count against the limit.
    failures: u32,
}

impl Delivery {
    /// A batch of that many records.
    pub(crate) fn new(count: usize, rules: RetryPolicy) -> Self {
        let pieces = if count == 0 { VecDeque::new() } else { VecDeque::from([Piece { end: count, failures: 0 }]) };
        Self { rules, settled: 0, pieces }
    }

    /// The records to invoke with now, or `None` when all are settled.
    pub(crate) fn next(&self) -> Option<Range<usize>> {
        self.pieces.front().map(|piece| self.settled..piece.end)
    }

    /// Gives up the first records of the next piece because they are too old.
    pub(crate) fn expire(&mut self, count: usize) -> Decision {
        let discarded = self.settle(count);
        Decision { handled: discarded.start..discarded.start, discarded, pause: None }
    }

    /// Takes note of how the invocation with the next piece ended.
    pub(crate) fn record_outcome(&mut self, outcome: BatchOutcome) -> Decision {
        let Some(piece) = self.next() else { return Decision::default() };
        match outcome {
            BatchOutcome::Succeeded => self.decision(piece.len(), 0, None),
            BatchOutcome::Throttled => self.decision(0, 0, Some(0)),
            // As documented, the batch is split at the reported record: what comes before it is done, and the split uses
            // up no attempt. Where it is the first, nothing is split.
            BatchOutcome::FailedFrom(index) if index > 0 && self.rules.bisect => self.decision(index, 0, Some(0)),
            BatchOutcome::FailedFrom(index) => self.fail(index.min(piece.len())),
            BatchOutcome::Failed if self.rules.bisect && piece.len() > 1 => {
                self.split(piece.start + piece.len() / 2);
                self.decision(0, 0, Some(0))
            }
            BatchOutcome::Failed => self.fail(0),
        }
    }

    /// The first `handled` records of the piece are done, and its rest has failed once more.
    fn fail(&mut self, handled: usize) -> Decision {
        let Some(piece) = self.pieces.front_mut() else { return Decision::default() };
        let rest = piece.end - self.settled - handled;
        if self.rules.retries_max.is_some_and(|most| piece.failures >= most) {
            return self.decision(handled, rest, None);
        }
        piece.failures = piece.failures.saturating_add(1);
        let pause = piece.failures - 1;
        self.decision(handled, 0, Some(pause))
    }

    fn decision(&mut self, handled: usize, discarded: usize, pause: Option<u32>) -> Decision {
        Decision { handled: self.settle(handled), discarded: self.settle(discarded), pause }
    }

    /// Both halves have as many failures behind them as the whole had.
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
    fn item_failures_check_point_at_the_lowest_and_retry_from_there() {
        let mut delivery = delivery(10, false, None);
        assert_eq!(delivery.record_outcome(BatchOutcome::FailedFrom(4)), decided(0..4, 4..4, Some(0)));
        assert_eq!(delivery.next(), Some(4..10));
        assert_eq!(delivery.record_outcome(BatchOutcome::FailedFrom(0)), decided(4..4, 4..4, Some(1)));
        assert_eq!(delivery.record_outcome(BatchOutcome::Succeeded), decided(4..10, 10..10, None));
    }

    #[test]
    fn a_failed_batch_is_given_up_after_its_retries() {
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
    fn what_is_too_old_is_given_up_and_the_rest_goes_on() {
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

    /// What may happen to one invocation; the numbers are taken modulo the size of the piece.
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
        /// Any schedule of outcomes settles every record once and in order, and none that was not delivered or given up.
        #[test]
        fn every_record_is_delivered_in_order_or_given_up(
            count in 0..50_usize,
            bisect: bool,
            retries_max in proptest::option::of(0..4_u32),
            steps in proptest::collection::vec(step(), 0..100),
        ) {
            let mut delivery = delivery(count, bisect, retries_max);
            let mut settled = 0;
            let mut steps = steps.into_iter();
            while let Some(piece) = delivery.next() {
                prop_assert_eq!(piece.start, settled, "what is not settled is next, and nothing is skipped");
                prop_assert!(!piece.is_empty() && piece.end <= count);
                // When the schedule has run out, all goes well, and so the delivery must end.
                let decision = match steps.next().unwrap_or(Step::Outcome(BatchOutcome::Succeeded)) {
                    Step::Expire(number) => delivery.expire(number % (piece.len() + 1)),
                    Step::Outcome(BatchOutcome::FailedFrom(number)) => {
                        let index = number % piece.len();
                        let decision = delivery.record_outcome(BatchOutcome::FailedFrom(index));
                        prop_assert_eq!(decision.handled.len(), index, "only what comes before the report is handled");
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
                    prop_assert!(decision.discarded.is_empty(), "without a limit nothing is given up but by age");
                }
                settled = decision.discarded.end;
                prop_assert!(settled <= count);
            }
            prop_assert_eq!(settled, count);
        }

        /// However often it fails, a bounded number of attempts is enough.
        #[test]
        fn with_a_limit_a_batch_that_always_fails_ends(count in 1..200_usize, bisect: bool, retries_max in 0..4_u32) {
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
