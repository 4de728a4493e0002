//! Retry, bisect and discard rules of event source mappings, without I/O.
//!
//! A batch is delivered front to back, in pieces. The function is invoked with the first piece until it is handled or
//! discarded, then with the next one. A batch may mix partitions, as Kafka's batches do. A record is settled only after
//! all earlier records of its shard or partition.

use std::collections::VecDeque;

/// Settings of the mapping that apply after a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// `BisectBatchOnFunctionError`
    pub(crate) bisect: bool,
    /// `MaximumRetryAttempts`; `None` means no limit.
    pub(crate) retries_max: Option<u32>,
}

/// Outcome of an invocation with a piece of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BatchOutcome {
    /// All records were handled.
    Succeeded,
    /// No record counts as handled.
    Failed,
    /// These records were not handled, as ascending indexes into the piece; all others were. They are the record that
    /// was reported as failed and all that follow it on its shard or partition.
    Partial(Vec<usize>),
    /// The invocation was throttled; the function did not run.
    Throttled,
}

/// Consequence of an outcome, as ascending indexes into the batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Decision {
    /// Records that are now handled.
    pub(crate) handled: Vec<usize>,
    /// Records that are now discarded.
    pub(crate) discarded: Vec<usize>,
    /// Number of earlier failures, from which `RetryDelays` computes the delay before the next invocation. `None`: no
    /// delay.
    pub(crate) pause: Option<u32>,
}

/// State of a batch while it is delivered.
#[derive(Debug)]
pub(crate) struct Delivery {
    policy: RetryPolicy,
    pieces: VecDeque<Piece>,
}

#[derive(Debug, Clone)]
struct Piece {
    /// Ascending indexes into the batch, never empty.
    records: Vec<usize>,
    /// Failed attempts that count towards `MaximumRetryAttempts`.
    failures: u32,
}

impl Delivery {
    /// Starts the delivery of a batch of `count` records.
    pub(crate) fn new(count: usize, policy: RetryPolicy) -> Self {
        let mut delivery = Self { policy, pieces: VecDeque::new() };
        delivery.put_back((0..count).collect(), 0);
        delivery
    }

    /// Returns the records to invoke with next; `None` when all are settled.
    pub(crate) fn next(&self) -> Option<&[usize]> {
        self.pieces.front().map(|piece| piece.records.as_slice())
    }

    /// Discards records of the next piece, by their indexes into it, because they exceed the maximum age.
    pub(crate) fn expire(&mut self, old: &[usize]) -> Decision {
        let Some(piece) = self.pieces.pop_front() else { return Decision::default() };
        let (discarded, rest) = piece.split_at_indexes(old);
        self.put_back(rest, piece.failures);
        Decision { handled: Vec::new(), discarded, pause: None }
    }

    /// Applies the outcome of the invocation with the next piece.
    pub(crate) fn record_outcome(&mut self, outcome: BatchOutcome) -> Decision {
        let Some(piece) = self.pieces.pop_front() else { return Decision::default() };
        match outcome {
            BatchOutcome::Succeeded => Decision { handled: piece.records, ..Decision::default() },
            BatchOutcome::Throttled => {
                self.put_back(piece.records, piece.failures);
                Decision { pause: Some(0), ..Decision::default() }
            }
            BatchOutcome::Partial(unhandled) => {
                let (rest, handled) = piece.split_at_indexes(&unhandled);
                // As documented, the batch is split at the reported record: the records before it are handled, and the
                // split does not count as a retry. If no record is handled, there is nothing to split.
                if self.policy.bisect && !handled.is_empty() {
                    self.put_back(rest, piece.failures);
                    return Decision { handled, discarded: Vec::new(), pause: Some(0) };
                }
                self.fail(handled, rest, piece.failures)
            }
            BatchOutcome::Failed if self.policy.bisect && piece.records.len() > 1 => {
                let (first, second) = piece.records.split_at(piece.records.len() / 2);
                // Both halves keep the number of failures.
                self.put_back(second.to_vec(), piece.failures);
                self.put_back(first.to_vec(), piece.failures);
                Decision { pause: Some(0), ..Decision::default() }
            }
            BatchOutcome::Failed => self.fail(Vec::new(), piece.records, piece.failures),
        }
    }

    /// Counts a failed attempt that left `rest`, after `failures` earlier ones. Discards it when no retry is left.
    fn fail(&mut self, handled: Vec<usize>, rest: Vec<usize>, failures: u32) -> Decision {
        if self.policy.retries_max.is_some_and(|most| failures >= most) {
            return Decision { handled, discarded: rest, pause: None };
        }
        self.put_back(rest, failures.saturating_add(1));
        Decision { handled, discarded: Vec::new(), pause: Some(failures) }
    }

    fn put_back(&mut self, records: Vec<usize>, failures: u32) {
        if !records.is_empty() {
            self.pieces.push_front(Piece { records, failures });
        }
    }
}

impl Piece {
    /// Returns the records at these indexes into the piece, and the others.
    fn split_at_indexes(&self, indexes: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let (selected, others): (Vec<_>, Vec<_>) =
            self.records.iter().enumerate().partition(|(index, _)| indexes.contains(index));
        let records = |pairs: Vec<(usize, &usize)>| pairs.into_iter().map(|(_, record)| *record).collect();
        (records(selected), records(others))
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use proptest::prelude::*;

    use super::*;

    fn delivery(count: usize, bisect: bool, retries_max: Option<u32>) -> Delivery {
        Delivery::new(count, RetryPolicy { bisect, retries_max })
    }

    fn decided(handled: Range<usize>, discarded: Range<usize>, pause: Option<u32>) -> Decision {
        Decision { handled: handled.collect(), discarded: discarded.collect(), pause }
    }

    /// Outcome of a piece of one shard whose record at this index was reported.
    fn failed_from(index: usize, delivery: &Delivery) -> BatchOutcome {
        BatchOutcome::Partial((index..delivery.next().unwrap().len()).collect())
    }

    fn report(delivery: &mut Delivery, index: usize) -> Decision {
        let outcome = failed_from(index, delivery);
        delivery.record_outcome(outcome)
    }

    fn next(delivery: &Delivery) -> Option<Range<usize>> {
        let piece = delivery.next()?;
        assert!(piece.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{piece:?}");
        Some(piece[0]..piece[piece.len() - 1] + 1)
    }

    #[test]
    fn success_settles_the_whole_batch() {
        let mut delivery = delivery(3, true, Some(0));
        assert_eq!(next(&delivery), Some(0..3));
        assert_eq!(delivery.record_outcome(BatchOutcome::Succeeded), decided(0..3, 3..3, None));
        assert_eq!(next(&delivery), None);
    }

    #[test]
    fn item_failures_checkpoint_at_the_lowest_record_and_retry_from_there() {
        let mut delivery = delivery(10, false, None);
        assert_eq!(report(&mut delivery, 4), decided(0..4, 4..4, Some(0)));
        assert_eq!(next(&delivery), Some(4..10));
        assert_eq!(report(&mut delivery, 0), decided(4..4, 4..4, Some(1)));
        assert_eq!(delivery.record_outcome(BatchOutcome::Succeeded), decided(4..10, 10..10, None));
    }

    #[test]
    fn a_failed_batch_is_discarded_after_its_retries() {
        let mut delivery = delivery(2, false, Some(2));
        assert_eq!(delivery.record_outcome(BatchOutcome::Failed), decided(0..0, 0..0, Some(0)));
        assert_eq!(delivery.record_outcome(BatchOutcome::Failed), decided(0..0, 0..0, Some(1)));
        assert_eq!(delivery.record_outcome(BatchOutcome::Failed), decided(0..0, 0..2, None));
        assert_eq!(next(&delivery), None);
    }

    #[test]
    fn bisecting_finds_the_bad_record_and_uses_up_no_attempt() {
        let (bad, mut delivery) = (5, delivery(8, true, Some(0)));
        let (mut handled, mut discarded) = (0, Vec::new());
        while let Some(range) = next(&delivery) {
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
        assert_eq!(report(&mut delivery, 2), decided(0..2, 2..2, Some(0)));
        assert_eq!(report(&mut delivery, 0), decided(2..2, 2..2, Some(0)));
        assert_eq!(report(&mut delivery, 0), decided(2..2, 2..4, None));
    }

    #[test]
    fn throttling_uses_up_no_attempt() {
        let mut delivery = delivery(1, false, Some(0));
        for _ in 0..3 {
            assert_eq!(delivery.record_outcome(BatchOutcome::Throttled), decided(0..0, 0..0, Some(0)));
        }
        assert_eq!(delivery.record_outcome(BatchOutcome::Succeeded).handled, [0]);
    }

    #[test]
    fn records_over_the_maximum_age_are_discarded_and_the_rest_is_delivered() {
        let mut delivery = delivery(5, false, None);
        assert_eq!(delivery.expire(&[0, 1]), decided(0..0, 0..2, None));
        assert_eq!(next(&delivery), Some(2..5));
        assert_eq!(delivery.expire(&[0, 1, 2]).discarded, [2, 3, 4]);
        assert_eq!(next(&delivery), None);
    }

    #[test]
    fn an_empty_batch_is_settled() {
        assert_eq!(next(&delivery(0, true, None)), None);
    }

    /// Event of a schedule. Its number is reduced modulo the size of the piece.
    #[derive(Debug, Clone)]
    enum Step {
        Outcome(BatchOutcome),
        FailedFrom(usize),
        Expire(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Outcome(BatchOutcome::Succeeded)),
            Just(Step::Outcome(BatchOutcome::Failed)),
            Just(Step::Outcome(BatchOutcome::Throttled)),
            (0..50_usize).prop_map(Step::FailedFrom),
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
            while let Some(piece) = next(&delivery) {
                prop_assert_eq!(piece.start, settled, "the next piece begins at the first unsettled record");
                prop_assert!(!piece.is_empty() && piece.end <= count);
                // After the schedule every invocation succeeds, so the delivery must end.
                let decision = match steps.next().unwrap_or(Step::Outcome(BatchOutcome::Succeeded)) {
                    Step::Expire(number) => delivery.expire(&(0..number % (piece.len() + 1)).collect::<Vec<_>>()),
                    Step::FailedFrom(number) => {
                        let index = number % piece.len();
                        let decision = report(&mut delivery, index);
                        prop_assert_eq!(decision.handled.len(), index, "only records before the report are handled");
                        decision
                    }
                    Step::Outcome(outcome) => {
                        let is_success = outcome == BatchOutcome::Succeeded;
                        let decision = delivery.record_outcome(outcome);
                        let handled = if is_success { piece.len() } else { 0 };
                        prop_assert_eq!(decision.handled.len(), handled);
                        decision
                    }
                };
                let now_settled: Vec<usize> = decision.handled.into_iter().chain(decision.discarded.clone()).collect();
                prop_assert_eq!(&now_settled, &(settled..settled + now_settled.len()).collect::<Vec<_>>());
                if retries_max.is_none() && decision.pause.is_some() {
                    prop_assert!(decision.discarded.is_empty(), "without a retry limit only age discards records");
                }
                settled += now_settled.len();
                prop_assert!(settled <= count);
            }
            prop_assert_eq!(settled, count);
        }

        /// Records of several partitions in one batch: each partition is settled in order, and every record once, for
        /// any reports of failed records.
        #[test]
        fn every_partition_of_a_mixed_batch_is_settled_in_order(
            partitions in proptest::collection::vec(0..4_usize, 1..40),
            bisect: bool,
            retries_max in proptest::option::of(0..4_u32),
            steps in proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<prop::sample::Index>(), 0..4)), 0..60),
        ) {
            let mut delivery = delivery(partitions.len(), bisect, retries_max);
            let mut settled = Vec::new();
            let mut steps = steps.into_iter();
            while let Some(piece) = delivery.next() {
                let piece = piece.to_vec();
                let outcome = match steps.next() {
                    None => BatchOutcome::Succeeded,
                    Some(None) => BatchOutcome::Failed,
                    Some(Some(reported)) => {
                        let reported: Vec<usize> = reported.iter().map(|index| index.index(piece.len())).collect();
                        let follows = |index: &usize| reported.iter().any(|failed| {
                            failed <= index && partitions[piece[*failed]] == partitions[piece[*index]]
                        });
                        BatchOutcome::Partial((0..piece.len()).filter(follows).collect())
                    }
                };
                let decision = delivery.record_outcome(outcome);
                settled.extend(decision.handled.into_iter().chain(decision.discarded));
            }
            for partition in 0..4 {
                let of_partition: Vec<usize> =
                    settled.iter().copied().filter(|index| partitions[*index] == partition).collect();
                prop_assert!(of_partition.is_sorted(), "{:?}", of_partition);
            }
            settled.sort_unstable();
            prop_assert_eq!(settled, (0..partitions.len()).collect::<Vec<_>>());
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
