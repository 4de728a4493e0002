//! The crate under a model of Lambda's event source mapping: whatever the schedule of failures, panics, deadlines, killed
//! processes, duplicates and redeliveries, every record ends handled or set aside, each key in order, and nothing is
//! acknowledged that was neither.
//!
//! The model is then given consumers that are wrong in the ways consumers are wrong, and has to find them out.
#![allow(missing_docs, clippy::unwrap_used)]

mod mapping;

use mapping::{Failure, Mapping, Schedule, Shard, World};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use stream_batch::{BatchResponse, Limits, NotHandled, Record, process_records};

type Entry = Record<u8, usize>;

/// The consumer as it should be.
async fn right(world: &World, batch: Vec<Entry>, limits: &Limits<impl Fn() -> bool>) -> BatchResponse {
    process_records(batch, limits, async |record: Entry| world.settle(&record).await).await.response
}

/// Reports what failed, and goes on with the same key.
async fn skips_failures(world: &World, batch: Vec<Entry>, _: &Limits<impl Fn() -> bool>) -> BatchResponse {
    let mut failed = Vec::new();
    for record in batch {
        if world.settle(&record).await.is_err() {
            failed.push(record.sequence_number);
        }
    }
    failed.into_iter().collect()
}

/// Logs what failed, and says that all is well.
async fn acknowledges_failures(world: &World, batch: Vec<Entry>, _: &Limits<impl Fn() -> bool>) -> BatchResponse {
    for record in batch {
        if world.settle(&record).await.is_err() {
            break;
        }
    }
    BatchResponse::default()
}

/// Reports the last of those that failed, when the lowest counts.
async fn reports_the_last(world: &World, batch: Vec<Entry>, limits: &Limits<impl Fn() -> bool>) -> BatchResponse {
    right(world, batch, limits).await.into_iter().next_back().into_iter().collect()
}

/// Passes a record that could not be quarantined.
async fn trusts_its_quarantine(world: &World, batch: Vec<Entry>, limits: &Limits<impl Fn() -> bool>) -> BatchResponse {
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

/// Takes the records side by side, whatever their keys.
async fn knows_no_keys(world: &World, batch: Vec<Entry>, limits: &Limits<impl Fn() -> bool>) -> BatchResponse {
    let each = batch.into_iter().enumerate().map(|(n, record)| {
        let sequence_number = record.sequence_number.clone();
        Record { key: n, sequence_number, payload: record }
    });
    process_records(each, limits, async |each: Record<usize, Entry>| world.settle(&each.payload).await).await.response
}

/// Leaves out what there is no time for.
async fn forgets_the_rest(world: &World, batch: Vec<Entry>, limits: &Limits<impl Fn() -> bool>) -> BatchResponse {
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

/// Runs a consumer through random schedules: what the first one it fails shows.
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
fn any_schedule_ends_with_every_record_handled_or_set_aside_and_each_key_in_order() {
    assert_eq!(violation!(right, CASES), None);
}

macro_rules! finds_out {
    ($($name:ident: $consumer:ident is $what:literal;)*) => {$(
        #[test]
        fn $name() {
            let violation = violation!($consumer, CASES).expect("the model finds it out");
            assert!(violation.contains($what), "{violation}");
        }
    )*};
}

finds_out! {
    the_model_finds_out_a_consumer_that_goes_on_past_a_failure: skips_failures is "before";
    the_model_finds_out_a_consumer_that_acknowledges_failures: acknowledges_failures is "acknowledged";
    the_model_finds_out_a_consumer_that_reports_the_last_failure: reports_the_last is "acknowledged";
    the_model_finds_out_a_consumer_that_passes_what_its_quarantine_refused: trusts_its_quarantine is "acknowledged";
    the_model_finds_out_a_consumer_that_knows_no_keys: knows_no_keys is "before";
    the_model_finds_out_a_consumer_that_forgets_what_it_had_no_time_for: forgets_the_rest is "acknowledged";
}
