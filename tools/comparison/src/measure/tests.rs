//! Tests of the figures computed from traces and final states.

use std::time::Duration;

use payment_events::Timestamp;

use super::{Ended, Latency, Measured, Window};
use crate::act::{OrderOutcome, OrderTrace, Placed, ReceivedVersion};
use crate::api::{BasedOn, Decision};
use crate::mode::Mode;
use crate::observe::{CopySeen, OrderEnd};
use crate::plan::{Phase, PlannedOrder};

const WINDOW: Window = Window { ms: 10_000, fault_ms: Some((3_000, 6_000)) };

fn decision(versions: &[u64]) -> Decision {
    let based_on = versions.iter().map(|version| BasedOn { version: *version, age_ms: 40 }).collect();
    Decision { decided_at: Timestamp::from_unix_ms(0).unwrap(), based_on }
}

/// An order sent at `sent_ms`. Its client received the payment a second before, 5 ms after Payments stored it.
fn record(sent_ms: i64, answer: OrderOutcome) -> OrderTrace {
    let order = PlannedOrder {
        order_id: "cmp-1".to_owned(),
        mode: Mode::Asynchronous,
        minor: 1,
        order_at: Duration::ZERO,
        pay_at: Duration::ZERO,
        void_at: None,
        phase: Phase::Window,
    };
    let (latency, lateness) = (Duration::from_millis(20), Duration::from_millis(1));
    let placed = Placed { sent_ms, intended_ms: sent_ms - 1, latency, lateness, answer };
    let version = ReceivedVersion { number: 1, made_ms: sent_ms - 1_005, received_ms: sent_ms - 1_000 };
    OrderTrace { order, versions: vec![version], payment_id: None, is_voided: false, placed: Some(placed) }
}

fn copied(stored_ms: i64) -> CopySeen {
    CopySeen { version: 1, made_ms: stored_ms - 10, stored_ms }
}

fn end(status: &str, decided_ms: i64, stored_ms: i64) -> OrderEnd {
    OrderEnd { status: Some(status.to_owned()), decided_ms, copies: vec![copied(stored_ms)] }
}

fn measured(record: &OrderTrace, end: &OrderEnd) -> Measured {
    Measured::of(&[(record, end)], WINDOW)
}

/// Rounds to milliseconds, which is exact: histograms have three significant digits.
#[expect(clippy::cast_possible_truncation, reason = "the values are small")]
fn ms(value: f64) -> i64 {
    value.round() as i64
}

fn is_right(measured: &Measured) -> bool {
    (measured.lost, measured.duplicated, measured.unsettled) == (0, 0, 0)
}

#[test]
fn an_order_accepted_on_the_newest_version_is_neither_stale_nor_behind() {
    let accepted = OrderOutcome::with("accepted", decision(&[1]));
    let found = measured(&record(4_000, accepted), &end("accepted", 4_010, 3_500));
    assert!(is_right(&found), "{found:?}");
    assert_eq!(
        (found.offered, found.accepted, found.during_fault.accepted, found.arrived_before.accepted),
        (1, 1, 1, 1)
    );
    assert_eq!((found.info.stale, found.info.missing, ms(found.info.behind_ms.max)), (0, 0, 0));
    assert_eq!([found.info.age_ms.max, found.latency_ms.max, found.lag_ms.max].map(ms), [40, 20, 10]);
    assert_eq!(found.drain_ms, None);
}

#[test]
fn an_order_that_waits_for_a_payment_its_client_had_is_missing_info_and_drained_when_accepted() {
    let waiting = OrderOutcome::with("awaiting_payment", decision(&[]));
    let found = measured(&record(4_000, waiting), &end("accepted", 7_500, 7_400));
    assert!(is_right(&found), "{found:?}");
    assert_eq!((found.waiting, found.info.missing, ms(found.info.behind_ms.max)), (1, 1, 1_005));
    assert_eq!(found.waiting_ended, Ended { accepted: 1, ..Ended::default() });
    assert_eq!((found.waited_ms.count, ms(found.waited_ms.max)), (1, 3_500));
    assert_eq!((found.drain_ms, found.arrived_before.orders, found.paid_before.orders), (Some(1_500), 0, 1));
}

#[test]
fn an_order_accepted_on_a_version_before_the_void_is_stale_and_must_end_on_hold() {
    let mut voided = record(4_000, OrderOutcome::Accepted(decision(&[1])));
    voided.versions.push(ReceivedVersion { number: 2, made_ms: 3_970, received_ms: 3_990 });
    voided.is_voided = true;
    let copies = vec![CopySeen { version: 2, made_ms: 3_970, stored_ms: 4_030 }];
    let held = OrderEnd { status: Some("on_hold".to_owned()), decided_ms: 4_040, copies };
    let found = measured(&voided, &held);
    assert!(is_right(&found), "{found:?}");
    assert_eq!((found.info.stale, ms(found.info.behind_ms.max)), (1, 30));
    assert_eq!(found.info.stale_ended, Ended { on_hold: 1, ..Ended::default() });
    let accepted = OrderEnd { status: Some("accepted".to_owned()), ..held };
    assert_eq!(measured(&voided, &accepted).unsettled, 1);
    // The decision need not know a version that the client received after it sent the order.
    voided.versions[1].received_ms = 4_001;
    assert_eq!(measured(&voided, &accepted).info.stale, 0);
}

#[test]
fn a_placed_order_or_received_payment_that_is_not_stored_is_lost() {
    let placed = record(4_000, OrderOutcome::Waiting(decision(&[])));
    let gone = OrderEnd { status: None, decided_ms: 0, copies: vec![copied(3_500)] };
    let found = measured(&placed, &gone);
    assert_eq!((found.lost, found.unsettled, found.waiting_ended.missing), (1, 1, 1));
    let unknown = OrderEnd { copies: Vec::new(), ..end("accepted", 4_010, 3_500) };
    assert_eq!(measured(&placed, &unknown).lost, 1);
    let twice = OrderEnd { copies: vec![copied(3_500), copied(3_600)], ..end("accepted", 4_010, 3_500) };
    assert_eq!(measured(&placed, &twice).duplicated, 1);
}

#[test]
fn a_failed_order_is_counted_with_its_reason_and_need_not_be_stored() {
    let failed = record(4_000, OrderOutcome::Failed("503".to_owned()));
    let nothing = OrderEnd { status: None, decided_ms: 0, copies: vec![copied(3_500)] };
    let found = measured(&failed, &nothing);
    assert!(is_right(&found), "{found:?}");
    assert_eq!((found.offered, found.failed, found.failures["503"], found.latency_ms.count), (1, 1, 1, 0));
    assert_eq!((found.during_fault.orders, found.during_fault.accepted), (1, 0));
    // The order may be stored all the same if only its response was lost.
    assert!(is_right(&measured(&failed, &end("accepted", 4_010, 3_500))));
}

#[test]
fn an_order_on_hold_in_the_response_was_accepted_and_does_not_wait() {
    let mut voided = record(4_000, OrderOutcome::with("on_hold", decision(&[2])));
    voided.versions.push(ReceivedVersion { number: 2, made_ms: 3_990, received_ms: 3_995 });
    voided.is_voided = true;
    let copies = vec![CopySeen { version: 2, made_ms: 3_990, stored_ms: 4_005 }];
    let held = OrderEnd { status: Some("on_hold".to_owned()), decided_ms: 4_010, copies };
    let found = measured(&voided, &held);
    assert!(is_right(&found), "{found:?}");
    assert_eq!((found.offered, found.accepted, found.held, found.waiting, found.info.stale), (1, 0, 1, 0, 0));
    assert_eq!(found.accepted_ended, Ended { on_hold: 1, ..Ended::default() });
    assert_eq!((found.during_fault.accepted, found.latency_ms.count, found.waiting_ended.total()), (0, 1, 0));
}

#[test]
fn an_order_that_was_not_sent_failed_and_has_no_latency() {
    let found =
        measured(&record(4_000, OrderOutcome::NotSent), &OrderEnd { status: None, decided_ms: 0, copies: Vec::new() });
    assert_eq!((found.offered, found.failed, found.during_fault.orders, found.during_fault.accepted), (1, 1, 1, 0));
    assert_eq!((found.latency_ms.count, found.failed_latency_ms.count), (0, 0));
    assert!(found.failures.keys().all(|why| why.contains("too many")), "{found:?}");
}

#[test]
fn the_reference_latency_covers_only_placed_orders() {
    let answers =
        [OrderOutcome::Accepted(decision(&[1])), OrderOutcome::Failed("503".to_owned()), OrderOutcome::NotSent];
    let records = answers.map(|answer| record(1_000, answer));
    let latency = super::latency(records.iter());
    assert_eq!((latency.count, ms(latency.p50)), (1, 20));
}

#[test]
fn an_order_answered_after_the_end_of_the_fault_does_not_count_as_during_it() {
    let end = end("accepted", 6_010, 3_500);
    let of = |sent_ms| measured(&record(sent_ms, OrderOutcome::Accepted(decision(&[1]))), &end).during_fault.orders;
    assert_eq!([2_999, 3_000, 5_980, 5_981, 6_000].map(of), [0, 1, 1, 0, 0]);
}

#[test]
fn percentiles_are_exact_to_three_significant_digits() {
    let latency = Latency::of((1..=1_000).map(Duration::from_millis));
    let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 0.002;
    assert_eq!(latency.count, 1_000);
    assert!(near(latency.p50, 500.0) && near(latency.p90, 900.0) && near(latency.p99, 990.0), "{latency:?}");
    assert!(near(latency.p99_9, 999.0) && near(latency.max, 1_000.0), "{latency:?}");
    assert_eq!(Latency::of([]), Latency::default());
}
