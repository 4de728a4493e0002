//! Lanes, failures, panics, quarantine and the deadline, batch by batch.
#![allow(missing_docs, clippy::unwrap_used)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use futures::executor::block_on;
use proptest::prelude::*;
use stream_batch::{
    BatchFailed, BatchResponse, HubPosition, KafkaPosition, Limits, NotHandled, Record, UnreportableMessage,
    process_records,
};

type Entry = Record<u8, usize>;

/// Creates a batch from keys: record n has payload n and sequence number 1000 + n.
fn batch(keys: &[u8]) -> Vec<Entry> {
    let keys = keys.iter().enumerate();
    keys.map(|(n, key)| Record { key: *key, identifier: (1_000 + n).to_string(), payload: n }).collect()
}

fn reported(response: &BatchResponse) -> BTreeSet<usize> {
    let failures = response.batch_item_failures.iter();
    failures.map(|failure| failure.item_identifier.parse::<usize>().unwrap() - 1_000).collect()
}

fn limits(lanes_at_once_max: usize) -> Limits<fn() -> bool> {
    Limits { lanes_at_once_max, may_begin: || true }
}

#[tokio::test]
async fn a_batch_without_failures_reports_none() {
    let response = process_records(batch(&[1, 2, 1]), &limits(4), async |_: Entry| Ok(())).await.response;
    assert_eq!(response, BatchResponse::default());
    assert_eq!(serde_json::to_string(&response).unwrap(), r#"{"batchItemFailures":[]}"#);
    let nothing = process_records(batch(&[]), &limits(4), async |_: Entry| Err::<(), _>(NotHandled)).await.response;
    assert_eq!(nothing, BatchResponse::default());
}

#[tokio::test]
async fn a_lane_stops_at_its_first_failure_and_the_others_continue() {
    let handled = RefCell::new(Vec::new());
    let response = process_records(batch(&[1, 2, 1, 2, 1]), &limits(1), async |record: Entry| {
        handled.borrow_mut().push(record.payload);
        if record.payload == 2 { Err(NotHandled) } else { Ok(()) }
    })
    .await
    .response;
    assert_eq!(reported(&response), BTreeSet::from([2]));
    assert_eq!(handled.into_inner(), [0, 2, 1, 3], "record 4 must wait for record 2");
}

#[tokio::test]
async fn lanes_run_concurrently_up_to_the_limit() {
    let (running, most) = (Cell::new(0), Cell::new(0));
    let keys: Vec<u8> = (0..20).collect();
    process_records(batch(&keys), &limits(3), async |_: Entry| {
        running.set(running.get() + 1);
        most.set(most.get().max(running.get()));
        yield_once().await;
        running.set(running.get() - 1);
        Ok(())
    })
    .await;
    assert_eq!(most.get(), 3);
}

#[tokio::test]
async fn records_are_not_started_after_the_deadline_and_are_reported() {
    let (calls, handled) = (Cell::new(0), RefCell::new(Vec::new()));
    let may_begin = || {
        calls.set(calls.get() + 1);
        calls.get() <= 2
    };
    let limits = Limits { lanes_at_once_max: 1, may_begin };
    let response = process_records(batch(&[1, 2, 1, 2]), &limits, async |record: Entry| {
        handled.borrow_mut().push(record.payload);
        Ok(())
    })
    .await
    .response;
    // Both records of lane 1 start; then the deadline has passed.
    assert_eq!(handled.into_inner(), [0, 2]);
    assert_eq!(reported(&response), BTreeSet::from([1]));
}

#[tokio::test]
async fn results_are_returned_in_batch_order() {
    let pauses = [3, 0, 1, 0];
    let processed = process_records(batch(&[1, 2, 3, 2]), &limits(4), async |record: Entry| {
        for _ in 0..pauses[record.payload] {
            yield_once().await;
        }
        if record.payload == 2 { Err(NotHandled) } else { Ok(record.payload) }
    })
    .await;
    assert_eq!(processed.handled, [0, 1, 3]);
    assert_eq!(reported(&processed.response), BTreeSet::from([2]));
}

/// Quarantine that can be set to fail or panic for a record.
#[derive(Default)]
struct Quarantine {
    records: RefCell<Vec<(usize, &'static str)>>,
    fails: Option<usize>,
    panics: Option<usize>,
}

impl Quarantine {
    fn put(&self, record: &Entry, reason: &'static str) -> Result<(), NotHandled> {
        if self.panics == Some(record.payload) {
            quiet_panic();
        }
        if self.fails == Some(record.payload) {
            return Err(NotHandled);
        }
        self.records.borrow_mut().push((record.payload, reason));
        Ok(())
    }
}

/// Panics without a message on standard error.
fn quiet_panic() {
    std::panic::resume_unwind(Box::new("on purpose"));
}

#[tokio::test]
async fn a_quarantined_record_counts_as_handled_and_its_lane_continues() {
    let (quarantine, handled) = (Quarantine::default(), RefCell::new(Vec::new()));
    let response = process_records(batch(&[1, 2, 1, 2]), &limits(4), async |record: Entry| {
        if record.payload == 0 {
            return quarantine.put(&record, "not an event");
        }
        handled.borrow_mut().push(record.payload);
        Ok(())
    })
    .await
    .response;
    assert_eq!(response, BatchResponse::default());
    assert_eq!(quarantine.records.into_inner(), [(0, "not an event")]);
    assert_eq!(handled.into_inner(), [2, 1, 3]);
}

#[tokio::test]
async fn a_record_that_cannot_be_quarantined_is_reported_and_stops_its_lane() {
    let failing = [
        Quarantine { fails: Some(2), ..Quarantine::default() },
        Quarantine { panics: Some(2), ..Quarantine::default() },
    ];
    for quarantine in failing {
        let response = process_records(batch(&[1, 2, 1, 2, 1]), &limits(4), async |record: Entry| {
            if record.key == 1 { quarantine.put(&record, "not an event") } else { Ok(()) }
        })
        .await
        .response;
        assert_eq!(reported(&response), BTreeSet::from([2]));
        assert_eq!(quarantine.records.into_inner(), [(0, "not an event")], "record 4 must wait for record 2");
    }
}

#[tokio::test]
async fn a_panic_is_reported_and_stops_only_its_lane() {
    let handled = RefCell::new(Vec::new());
    let response = process_records(batch(&[1, 2, 1, 2, 1]), &limits(4), async |record: Entry| {
        yield_once().await;
        if record.payload == 2 {
            quiet_panic();
        }
        handled.borrow_mut().push(record.payload);
        Ok(())
    })
    .await
    .response;
    assert_eq!(reported(&response), BTreeSet::from([2]));
    assert_eq!(handled.into_inner(), [0, 1, 3]);
}

#[tokio::test]
async fn failures_are_reported_in_batch_order() {
    let pauses = [3, 1, 2, 0];
    let response = process_records(batch(&[1, 2, 3, 4]), &limits(4), async |record: Entry| {
        for _ in 0..pauses[record.payload] {
            yield_once().await;
        }
        Err::<(), _>(NotHandled)
    })
    .await
    .response;
    assert_eq!(response.into_iter().collect::<Vec<_>>(), ["1000", "1001", "1002", "1003"]);
}

#[tokio::test]
async fn a_failed_record_without_a_sequence_number_fails_the_whole_batch() {
    let unnumbered = Record { key: 1, identifier: String::new(), payload: 0 };
    let failing = process_records([unnumbered], &limits(1), async |_: Entry| Err::<(), _>(NotHandled)).await.response;
    assert_eq!(failing, BatchResponse::whole_batch());
    assert_eq!(serde_json::to_string(&failing).unwrap(), r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#);
}

#[test]
fn responses_can_be_merged() {
    let mut response = BatchResponse::from_iter(["7".to_owned()]);
    response.extend(BatchResponse::from_iter(["3".to_owned()]));
    assert_eq!(response.into_iter().collect::<Vec<_>>(), ["7", "3"]);
}

fn kafka(partition: &str, offset: Option<i64>) -> KafkaPosition {
    KafkaPosition { partition: partition.into(), offset }
}

#[tokio::test]
async fn a_lane_with_several_partitions_is_reported_in_each() {
    let places = [("t-0", 5), ("t-1", 3), ("t-0", 7), ("t-2", 1), ("t-1", 9)];
    let batch = places.map(|(partition, offset)| Record {
        key: u8::from(partition == "t-2"),
        identifier: kafka(partition, Some(offset)),
        payload: offset,
    });
    let response = process_records(
        batch,
        &limits(2),
        async |record: Record<u8, i64, KafkaPosition>| {
            if record.payload == 5 { Err(NotHandled) } else { Ok(()) }
        },
    )
    .await
    .response;
    let expected = [kafka("t-0", Some(5)), kafka("t-1", Some(3))];
    assert_eq!(response.into_iter().collect::<Vec<_>>(), expected, "t-2 was handled, in another lane");
}

#[test]
fn a_kafka_response_has_the_lowest_offset_of_each_partition() {
    let failed = [("t-0", 10), ("t-1", 2), ("t-0", 9), ("t-0", 100), ("t-1", 11)];
    let response: BatchResponse<_> =
        failed.map(|(partition, offset)| kafka(partition, Some(offset))).into_iter().collect();
    let json = serde_json::to_string(&response.lowest_offsets().unwrap()).unwrap();
    let expected = r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":9}},{"itemIdentifier":{"partition":"t-1","offset":2}}]}"#;
    assert_eq!(json, expected);
    let unreportable: BatchResponse<_> = [kafka("t-0", Some(1)), kafka("t-1", None)].into_iter().collect();
    assert_eq!(unreportable.lowest_offsets(), Err(BatchFailed { failures: 2 }));
}

#[test]
fn a_response_has_the_form_of_its_hub() {
    let form = |positions: Vec<HubPosition>| positions.into_iter().collect::<BatchResponse<_>>().for_hub();
    let json = |positions| serde_json::to_string(&form(positions).unwrap()).unwrap();
    assert_eq!(json(vec![]), r#"{"batchItemFailures":[]}"#);
    let kinesis = vec![HubPosition::Kinesis("2".into()), HubPosition::Kinesis("10".into())];
    assert_eq!(json(kinesis), r#"{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"10"}]}"#);
    let positions =
        [("t-0", 7), ("t-0", 3)].map(|(partition, offset)| HubPosition::Kafka(kafka(partition, Some(offset))));
    assert_eq!(
        json(positions.to_vec()),
        r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":3}}]}"#
    );
    assert_eq!(form(vec![HubPosition::RabbitMq(UnreportableMessage)]), Err(BatchFailed { failures: 1 }));
}

proptest! {
    #[test]
    fn every_record_is_handled_or_redelivered_and_keys_keep_their_order(
        keys in prop::collection::vec(0..5_u8, 0..40),
        failing in prop::collection::btree_set(0..40_usize, 0..10),
        pauses in prop::collection::vec(0..3_u8, 40),
        lanes_at_once_max in 0..6_usize,
        begin_max in 0..80_usize,
    ) {
        let (calls, handled) = (Cell::new(0), RefCell::new(Vec::new()));
        let may_begin = || { calls.set(calls.get() + 1); calls.get() <= begin_max };
        let limits = Limits { lanes_at_once_max, may_begin };
        let response = block_on(process_records(batch(&keys), &limits, async |record: Entry| {
            let n = record.payload;
            for _ in 0..pauses[n] {
                yield_once().await;
            }
            if failing.contains(&n) {
                return Err(NotHandled);
            }
            handled.borrow_mut().push((record.key, n));
            Ok(())
        }))
        .response;
        let (handled, reported) = (handled.into_inner(), reported(&response));
        for (n, key) in keys.iter().enumerate() {
            let was_handled = handled.contains(&(*key, n));
            let stopped_at = reported.iter().find(|place| keys[**place] == *key);
            prop_assert_eq!(was_handled, stopped_at.is_none_or(|place| n < *place), "record {}", n);
            prop_assert!(was_handled || reported.first().is_some_and(|lowest| *lowest <= n), "record {} is lost", n);
        }
        for key in 0..5 {
            let places: Vec<_> = handled.iter().filter(|(of, _)| *of == key).map(|(_, n)| *n).collect();
            prop_assert!(places.is_sorted(), "key {} is out of order: {:?}", key, places);
        }
    }
}

/// Returns pending once, as `yield_now` does, without a tokio runtime.
async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
