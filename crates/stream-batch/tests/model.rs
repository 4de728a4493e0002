//! The crate against a model of Lambda's event source mapping, with random failures, panics, deadlines, killed
//! processes, duplicates and redeliveries: every record ends handled or quarantined, each key in order, and no other
//! record is acknowledged.
//!
//! The model must also detect consumers with typical mistakes.
#![allow(missing_docs, clippy::unwrap_used)]

mod mapping;

use mapping::{Failure, Mapping, Schedule, Shard, World};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use stream_batch::{BatchResponse, Limits, NotHandled, Record, process_records};

type Entry = Record<u8, usize>;

/// The correct consumer.
async fn correct(world: &World, batch: Vec<Entry>, limits: &Limits<impl Fn() -> bool>) -> BatchResponse {
    process_records(batch, limits, async |record: Entry| world.settle(&record).await).await.response
}

/// Reports failures, and continues with the same key.
async fn skips_failures(world: &World, batch: Vec<Entry>, _: &Limits<impl Fn() -> bool>) -> BatchResponse {
    let mut failed = Vec::new();
    for record in batch {
        if world.settle(&record).await.is_err() {
            failed.push(record.sequence_number);
        }
    }
    failed.into_iter().collect()
}

/// Stops at a failure, and reports none.
async fn acknowledges_failures(world: &World, batch: Vec<Entry>, _: &Limits<impl Fn() -> bool>) -> BatchResponse {
    for record in batch {
        if world.settle(&record).await.is_err() {
            break;
        }
    }
    BatchResponse::default()
}

/// Reports only the last failure, although the lowest counts.
async fn reports_the_last(world: &World, batch: Vec<Entry>, limits: &Limits<impl Fn() -> bool>) -> BatchResponse {
    correct(world, batch, limits).await.into_iter().next_back().into_iter().collect()
}

/// Treats a record that could not be quarantined as handled.
async fn ignores_quarantine_failures(
    world: &World,
    batch: Vec<Entry>,
    limits: &Limits<impl Fn() -> bool>,
) -> BatchResponse {
    process_records(batch, limits, async |record: Entry| match world.handle(&record).await {
        Ok(()) => Ok(()),
        Err(Failure::Transient) => Err(NotHandled),
        Err(Failure::Permanent) => {
            let _ = world.quarantine(&record).await;
            Ok(())
        }
    })
    .await
    .response
}

/// Handles all records concurrently, whatever their keys.
async fn ignores_keys(world: &World, batch: Vec<Entry>, limits: &Limits<impl Fn() -> bool>) -> BatchResponse {
    let each = batch.into_iter().enumerate().map(|(n, record)| {
        let sequence_number = record.sequence_number.clone();
        Record { key: n, sequence_number, payload: record }
    });
    process_records(each, limits, async |each: Record<usize, Entry>| world.settle(&each.payload).await).await.response
}

/// Does not report the records that it has no time for.
async fn ignores_unstarted_records(
    world: &World,
    batch: Vec<Entry>,
    limits: &Limits<impl Fn() -> bool>,
) -> BatchResponse {
    for record in batch {
        if !(limits.may_begin)() {
            return BatchResponse::default();
        }
        if world.settle(&record).await.is_err() {
            return std::iter::once(record.sequence_number).collect();
        }
    }
    BatchResponse::default()
}

/// Runs a consumer through random schedules. Evaluates to the first violation found.
macro_rules! violation {
    ($consumer:ident, $cases:expr) => {{
        let mut runner = TestRunner::new_with_rng(
            Config { cases: $cases, failure_persistence: None, ..Config::default() },
            proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
        );
        let found = runner.run(&(Shard::any(), Schedule::any()), |(shard, schedule)| {
            let drained = Mapping::new(&shard, &schedule)
                .drain(&async |world: &World, batch, limits: &Limits<_>| $consumer(world, batch, limits).await);
            drained.map_err(TestCaseError::fail)
        });
        found.err().map(|error| error.to_string())
    }};
}

const CASES: u32 = 2_000;

#[test]
fn any_schedule_ends_with_every_record_handled_or_quarantined_and_each_key_in_order() {
    assert_eq!(violation!(correct, CASES), None);
}

macro_rules! detects {
    ($($name:ident: $consumer:ident is $what:literal;)*) => {$(
        #[test]
        fn $name() {
            let violation = violation!($consumer, CASES).expect("the model detects the mistake");
            assert!(violation.contains($what), "{violation}");
        }
    )*};
}

detects! {
    the_model_detects_a_consumer_that_continues_after_a_failure: skips_failures is "before";
    the_model_detects_a_consumer_that_acknowledges_failures: acknowledges_failures is "acknowledged";
    the_model_detects_a_consumer_that_reports_only_the_last_failure: reports_the_last is "acknowledged";
    the_model_detects_a_consumer_that_ignores_quarantine_failures: ignores_quarantine_failures is "acknowledged";
    the_model_detects_a_consumer_that_ignores_keys: ignores_keys is "before";
    the_model_detects_a_consumer_that_does_not_report_unstarted_records: ignores_unstarted_records is "acknowledged";
}
