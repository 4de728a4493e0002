//! Whatever fails, nothing is lost and nothing of one key is reordered.
#![allow(missing_docs, clippy::unwrap_used)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use futures::executor::block_on;
use proptest::prelude::*;
use stream_batch::{BatchResponse, Limits, NotHandled, Record, process_records};

type Entry = Record<u8, usize>;

/// A batch from keys alone: the record in place n has the payload n and the sequence number 1000 + n.
fn batch(keys: &[u8]) -> Vec<Entry> {
    let keys = keys.iter().enumerate();
    keys.map(|(n, key)| Record { key: *key, sequence_number: (1_000 + n).to_string(), payload: n }).collect()
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
async fn a_lane_stops_at_its_first_failure_and_the_others_go_on() {
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
async fn lanes_run_side_by_side_up_to_the_limit() {
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
async fn what_cannot_be_begun_in_time_is_reported_and_not_begun() {
    let (asked, handled) = (Cell::new(0), RefCell::new(Vec::new()));
    let may_begin = || {
        asked.set(asked.get() + 1);
        asked.get() <= 2
    };
    let limits = Limits { lanes_at_once_max: 1, may_begin };
    let response = process_records(batch(&[1, 2, 1, 2]), &limits, async |record: Entry| {
        handled.borrow_mut().push(record.payload);
        Ok(())
    })
    .await
    .response;
    // Asked for both records of lane 1; then time is up.
    assert_eq!(handled.into_inner(), [0, 2]);
    assert_eq!(reported(&response), BTreeSet::from([1]));
}

#[tokio::test]
async fn what_the_handler_returns_is_handed_back_in_the_order_of_the_batch() {
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

/// Keeps the records it is given, apart from those it fails or panics for.
#[derive(Default)]
struct Kept {
    records: RefCell<Vec<(usize, &'static str)>>,
    refuses: Option<usize>,
    panics: Option<usize>,
}

impl Kept {
    fn set_aside(&self, record: &Entry, reason: &'static str) -> Result<(), NotHandled> {
        if self.panics == Some(record.payload) {
            quiet_panic();
        }
        if self.refuses == Some(record.payload) {
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
async fn what_can_never_be_handled_is_set_aside_with_its_reason_and_its_lane_goes_on() {
    let (kept, handled) = (Kept::default(), RefCell::new(Vec::new()));
    let response = process_records(batch(&[1, 2, 1, 2]), &limits(4), async |record: Entry| {
        if record.payload == 0 {
            return kept.set_aside(&record, "no event");
        }
        handled.borrow_mut().push(record.payload);
        Ok(())
    })
    .await
    .response;
    assert_eq!(response, BatchResponse::default());
    assert_eq!(kept.records.into_inner(), [(0, "no event")]);
    assert_eq!(handled.into_inner(), [2, 1, 3]);
}

#[tokio::test]
async fn what_cannot_be_set_aside_is_reported_and_its_lane_stops_there() {
    let failing = [Kept { refuses: Some(2), ..Kept::default() }, Kept { panics: Some(2), ..Kept::default() }];
    for kept in failing {
        let response = process_records(batch(&[1, 2, 1, 2, 1]), &limits(4), async |record: Entry| {
            if record.key == 1 { kept.set_aside(&record, "no event") } else { Ok(()) }
        })
        .await
        .response;
        assert_eq!(reported(&response), BTreeSet::from([2]));
        assert_eq!(kept.records.into_inner(), [(0, "no event")], "record 4 must wait for record 2");
    }
}

#[tokio::test]
async fn a_lane_that_panics_is_reported_from_its_first_unfinished_record_and_the_others_go_on() {
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
async fn failures_are_named_in_the_order_of_the_batch() {
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
async fn a_failed_record_without_a_number_fails_the_batch_as_a_whole() {
    let nameless = Record { key: 1, sequence_number: String::new(), payload: 0 };
    let failing = process_records([nameless], &limits(1), async |_: Entry| Err::<(), _>(NotHandled)).await.response;
    assert_eq!(failing, BatchResponse::whole_batch());
    assert_eq!(serde_json::to_string(&failing).unwrap(), r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#);
}

#[test]
fn answers_can_be_put_together() {
    let mut response = BatchResponse::from_iter(["7".to_owned()]);
    response.extend(BatchResponse::from_iter(["3".to_owned()]));
    assert_eq!(response.into_iter().collect::<Vec<_>>(), ["7", "3"]);
}

proptest! {
    #[test]
    fn every_record_is_handled_or_comes_again_and_keys_keep_their_order(
        keys in prop::collection::vec(0..5_u8, 0..40),
        failing in prop::collection::btree_set(0..40_usize, 0..10),
        pauses in prop::collection::vec(0..3_u8, 40),
        lanes_at_once_max in 0..6_usize,
        begin_max in 0..80_usize,
    ) {
        let (asked, handled) = (Cell::new(0), RefCell::new(Vec::new()));
        let may_begin = || { asked.set(asked.get() + 1); asked.get() <= begin_max };
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

/// Pends once: what `yield_now` does, outside a tokio runtime.
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
