//! What was seen of orders is counted as what it is.

use std::time::Duration;

use payment_events::Timestamp;

use super::{Ended, Latency, Measured, Window};
use crate::act::{OrderOutcome, OrderTrace, Placed, ToldVersion};
use crate::api::{BasedOn, Decision};
use crate::mode::Mode;
use crate::observe::{CopySeen, OrderEnd};
use crate::plan::{Phase, PlannedOrder};

const WINDOW: Window = Window { ms: 10_000, fault_ms: Some((3_000, 6_000)) };

fn decision(versions: &[u64]) -> Decision {
    let based_on = versions.iter().map(|version| BasedOn { version: *version, age_ms: 40 }).collect();
    Decision { decided_at: Timestamp::from_unix_ms(0).unwrap(), based_on }
}

/// An order that was sent at a time, whose payment its client was told of a second before, 5 ms after it was made.
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
    let version = ToldVersion { number: 1, made_ms: sent_ms - 1_005, told_ms: sent_ms - 1_000 };
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

/// Counted to three digits, so whole milliseconds are exact.
#[expect(clippy::cast_possible_truncation, reason = "they are few")]
fn ms(value: f64) -> i64 {
    value.round() as i64
}

fn is_right(measured: &Measured) -> bool {
    (measured.lost, measured.duplicated, measured.unsettled) == (0, 0, 0)
}

#[test]
fn an_order_that_is_accepted_on_the_newest_is_neither_stale_nor_behind() {
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
fn an_order_that_waits_for_what_its_client_knew_decided_on_missing_info_and_is_drained_when_it_is_accepted() {
    let waiting = OrderOutcome::with("awaiting_payment", decision(&[]));
    let found = measured(&record(4_000, waiting), &end("accepted", 7_500, 7_400));
    assert!(is_right(&found), "{found:?}");
    assert_eq!((found.waiting, found.info.missing, ms(found.info.behind_ms.max)), (1, 1, 1_005));
    assert_eq!(found.waiting_ended, Ended { accepted: 1, ..Ended::default() });
    assert_eq!((found.waited_ms.count, ms(found.waited_ms.max)), (1, 3_500));
    assert_eq!((found.drain_ms, found.arrived_before.orders, found.paid_before.orders), (Some(1_500), 0, 1));
}

#[test]
fn an_order_that_is_accepted_on_a_version_before_the_void_is_stale_and_has_to_end_on_hold() {
    let mut voided = record(4_000, OrderOutcome::Accepted(decision(&[1])));
    voided.versions.push(ToldVersion { number: 2, made_ms: 3_970, told_ms: 3_990 });
    voided.is_voided = true;
    let copies = vec![CopySeen { version: 2, made_ms: 3_970, stored_ms: 4_030 }];
    let held = OrderEnd { status: Some("on_hold".to_owned()), decided_ms: 4_040, copies };
    let found = measured(&voided, &held);
    assert!(is_right(&found), "{found:?}");
    assert_eq!((found.info.stale, ms(found.info.behind_ms.max)), (1, 30));
    assert_eq!(found.info.stale_ended, Ended { on_hold: 1, ..Ended::default() });
    let accepted = OrderEnd { status: Some("accepted".to_owned()), ..held };
    assert_eq!(measured(&voided, &accepted).unsettled, 1);
    // What its client was told of after the order was sent, the decision need not know.
    voided.versions[1].told_ms = 4_001;
    assert_eq!(measured(&voided, &accepted).info.stale, 0);
}

#[test]
fn what_was_answered_and_is_not_there_is_lost() {
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
fn an_order_that_failed_is_counted_with_its_reason_and_need_not_be_there() {
    let failed = record(4_000, OrderOutcome::Failed("503".to_owned()));
    let nothing = OrderEnd { status: None, decided_ms: 0, copies: vec![copied(3_500)] };
    let found = measured(&failed, &nothing);
    assert!(is_right(&found), "{found:?}");
    assert_eq!((found.offered, found.failed, found.failures["503"], found.latency_ms.count), (1, 1, 1, 0));
    assert_eq!((found.during_fault.orders, found.during_fault.accepted), (1, 0));
    // Its answer may have been lost after it was stored.
    assert!(is_right(&measured(&failed, &end("accepted", 4_010, 3_500))));
}

#[test]
fn an_order_that_is_on_hold_when_it_is_answered_was_accepted_and_does_not_wait() {
    let mut voided = record(4_000, OrderOutcome::with("on_hold", decision(&[2])));
    voided.versions.push(ToldVersion { number: 2, made_ms: 3_990, told_ms: 3_995 });
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
fn an_order_that_came_and_was_not_sent_failed_and_took_no_time() {
    let found =
        measured(&record(4_000, OrderOutcome::NotSent), &OrderEnd { status: None, decided_ms: 0, copies: Vec::new() });
    assert_eq!((found.offered, found.failed, found.during_fault.orders, found.during_fault.accepted), (1, 1, 1, 0));
    assert_eq!((found.latency_ms.count, found.failed_latency_ms.count), (0, 0));
    assert!(found.failures.keys().all(|why| why.contains("too many")), "{found:?}");
}

#[test]
fn what_was_seen_before_anything_went_wrong_is_told_of_what_was_placed() {
    let answers =
        [OrderOutcome::Accepted(decision(&[1])), OrderOutcome::Failed("503".to_owned()), OrderOutcome::NotSent];
    let records = answers.map(|answer| record(1_000, answer));
    let latency = super::latency(records.iter());
    assert_eq!((latency.count, ms(latency.p50)), (1, 20));
}

#[test]
fn an_order_that_is_answered_when_the_fault_is_over_is_not_one_of_the_fault() {
    let end = end("accepted", 6_010, 3_500);
    let of = |sent_ms| measured(&record(sent_ms, OrderOutcome::Accepted(decision(&[1]))), &end).during_fault.orders;
    assert_eq!([2_999, 3_000, 5_980, 5_981, 6_000].map(of), [0, 1, 1, 0, 0]);
}

#[test]
fn percentiles_are_those_of_the_values_to_three_digits() {
    let latency = Latency::of((1..=1_000).map(Duration::from_millis));
    let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 0.002;
    assert_eq!(latency.count, 1_000);
    assert!(near(latency.p50, 500.0) && near(latency.p90, 900.0) && near(latency.p99, 990.0), "{latency:?}");
    assert!(near(latency.p99_9, 999.0) && near(latency.max, 1_000.0), "{latency:?}");
    assert_eq!(Latency::of([]), Latency::default());
}
