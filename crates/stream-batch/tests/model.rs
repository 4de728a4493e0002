//! The crate against models of Lambda's event source mappings of streams, Kafka and RabbitMQ, with random failures,
//! panics, deadlines, killed processes, duplicates and redeliveries: every record ends handled or quarantined, each key
//! in order, and no other record is acknowledged.
//!
//! The models must also detect consumers with typical mistakes.
#![allow(missing_docs, clippy::unwrap_used)]

mod consumers;
mod mapping;

use consumers::{kafka, rabbitmq, stream};
use mapping::{KafkaMapping, RabbitMqMapping, Records, Schedule, StreamMapping, World};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use stream_batch::Limits;

/// Runs a consumer of a mapping through random schedules. Evaluates to the first violation found.
macro_rules! violation {
    ($mapping:ident of $partitions:literal, $consumer:path) => {{
        let mut runner = TestRunner::new_with_rng(
            Config { cases: CASES, failure_persistence: None, ..Config::default() },
            proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
        );
        let found = runner.run(&(Records::any($partitions), Schedule::any()), |(records, schedule)| {
            let drained = $mapping::new(&records, &schedule)
                .drain(&async |world: &World, batch, limits: &Limits<_>| $consumer(world, batch, limits).await);
            drained.map_err(TestCaseError::fail)
        });
        found.err().map(|error| error.to_string())
    }};
}

const CASES: u32 = 2_000;

#[test]
fn any_schedule_ends_with_every_record_handled_or_quarantined_and_each_key_in_order() {
    assert_eq!(violation!(StreamMapping of 1, stream::correct), None);
}

#[test]
fn any_schedule_of_a_topic_ends_with_every_record_handled_or_quarantined_and_each_key_in_order() {
    assert_eq!(violation!(KafkaMapping of 3, kafka::correct), None);
}

#[test]
fn any_schedule_of_a_queue_ends_with_every_message_handled_or_quarantined_and_each_key_in_order() {
    assert_eq!(violation!(RabbitMqMapping of 1, rabbitmq::correct), None);
}

macro_rules! detects {
    ($($name:ident: $mapping:ident of $partitions:literal, $consumer:path, is $what:literal;)*) => {$(
        #[test]
        fn $name() {
            let violation = violation!($mapping of $partitions, $consumer).expect("the model detects the mistake");
            assert!(violation.contains($what), "{violation}");
        }
    )*};
}

detects! {
    the_model_detects_a_consumer_that_continues_after_a_failure: StreamMapping of 1, stream::skips_failures, is "before";
    the_model_detects_a_consumer_that_acknowledges_failures:
        StreamMapping of 1, stream::acknowledges_failures, is "acknowledged";
    the_model_detects_a_consumer_that_reports_only_the_last_failure:
        StreamMapping of 1, stream::reports_the_last, is "acknowledged";
    the_model_detects_a_consumer_that_ignores_quarantine_failures:
        StreamMapping of 1, stream::ignores_quarantine_failures, is "acknowledged";
    the_model_detects_a_consumer_that_ignores_keys: StreamMapping of 1, stream::ignores_keys, is "before";
    the_model_detects_a_consumer_that_does_not_report_unstarted_records:
        StreamMapping of 1, stream::ignores_unstarted_records, is "acknowledged";

    the_model_detects_a_kafka_consumer_that_reports_the_highest_offset:
        KafkaMapping of 3, kafka::reports_the_highest_offset, is "acknowledged";
    the_model_detects_a_kafka_consumer_that_reports_only_one_partition:
        KafkaMapping of 3, kafka::reports_one_partition, is "acknowledged";
    the_model_detects_a_kafka_consumer_that_reports_only_the_first_record_of_a_lane:
        KafkaMapping of 3, kafka::reports_the_first_of_each_lane, is "acknowledged";
    the_model_detects_a_kafka_consumer_that_ignores_that_the_batch_failed:
        KafkaMapping of 3, kafka::acknowledges_failures, is "acknowledged";

    the_model_detects_a_rabbitmq_consumer_that_acknowledges_a_batch_with_a_failure:
        RabbitMqMapping of 1, rabbitmq::acknowledges_failures, is "acknowledged";
    the_model_detects_a_rabbitmq_consumer_that_continues_after_a_failure:
        RabbitMqMapping of 1, rabbitmq::skips_failures, is "before";
    the_model_detects_a_rabbitmq_consumer_that_acknowledges_unless_all_messages_failed:
        RabbitMqMapping of 1, rabbitmq::fails_only_if_nothing_was_handled, is "acknowledged";
}
