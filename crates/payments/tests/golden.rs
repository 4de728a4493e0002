//! Tests that Payments publishes the golden events of the contract.
#![allow(missing_docs, clippy::unwrap_used)]

use payment_events::{Decline, Money};
use payments::{Action, Caller, Change, Lease, Outcome, Payment, PaymentRecord, PaymentRequest, RequestKey, Step};
use serde_json::Value;

const TRACE_PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

fn begun() -> PaymentRecord {
    let request = PaymentRequest {
        caller: Caller::named(None),
        key: "key-1".parse().unwrap(),
        order_id: "ord-42".parse().unwrap(),
        amount: eur(1299),
        token: "tok_approve".parse().unwrap(),
        trace_parent: Some(TRACE_PARENT.parse().unwrap()),
    };
    let at = "2026-11-22T20:00:00.000Z".parse().unwrap();
    let lease = Lease { until: at, attempt: 1, holder: RequestKey::random() };
    PaymentRecord::begin(&request, "pay_01J9Z3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), lease, at)
}

fn after(record: &PaymentRecord, action: Action, time: &str) -> PaymentRecord {
    let step = Step { key: RequestKey::random(), action, at: time.parse().unwrap() };
    record.after(step, Some(TRACE_PARENT.parse().unwrap())).unwrap()
}

fn authorized() -> PaymentRecord {
    after(&begun(), Action::Decide(Outcome::Approved), "2026-11-22T20:00:00.123Z")
}

fn captured() -> PaymentRecord {
    after(&authorized(), Action::Change(Change::Capture(None)), "2026-11-22T20:01:00.000Z")
}

fn refunded_in_part() -> PaymentRecord {
    after(&captured(), Action::Change(Change::Refund(Some(eur(300)))), "2026-11-22T20:05:00.456Z")
}

#[track_caller]
fn assert_publishes(record: &PaymentRecord, golden: &str) {
    let events = record.events_after(record.payment.version - 1).unwrap();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    let published: Value = serde_json::from_slice(&event.encode()).unwrap();
    assert_eq!(published, serde_json::from_str::<Value>(golden).unwrap());
}

#[test]
fn every_published_state_has_its_golden_event() {
    assert_publishes(&authorized(), include_str!("../../payment-events/golden/payment.authorized.v1.1.json"));
    let decline =
        Decline { code: "insufficient_funds".to_owned(), message: "The card has insufficient funds.".to_owned() };
    let declined = after(&begun(), Action::Decide(Outcome::Declined(decline)), "2026-11-22T20:00:00.250Z");
    assert_publishes(&declined, include_str!("../../payment-events/golden/payment.declined.v1.1.json"));
    let voided = after(&authorized(), Action::Change(Change::Void), "2026-11-22T20:10:00.789Z");
    assert_publishes(&voided, include_str!("../../payment-events/golden/payment.voided.v1.1.json"));
    assert_publishes(&captured(), include_str!("../../payment-events/golden/payment.captured.v1.1.json"));
    let in_part = refunded_in_part();
    assert_publishes(&in_part, include_str!("../../payment-events/golden/payment.captured.v1.1.refund.json"));
    let refunded = after(&in_part, Action::Change(Change::Refund(None)), "2026-11-23T08:00:00.000Z");
    let refunded = PaymentRecord { payment: Payment { trace_parent: None, ..refunded.payment }, ..refunded };
    assert_publishes(&refunded, include_str!("../../payment-events/golden/payment.refunded.v1.1.json"));
}

#[test]
fn changes_without_an_amount_are_published_with_the_amount_that_they_moved() {
    let captured = after(&authorized(), Action::Change(Change::Capture(Some(eur(1000)))), "2026-11-22T20:01:00.000Z");
    let first = after(&captured, Action::Change(Change::Refund(Some(eur(1)))), "2026-11-22T20:02:00.000Z");
    let second = after(&first, Action::Change(Change::Refund(None)), "2026-11-22T20:03:00.000Z");
    let events = second.events_after(0).unwrap();
    let amounts: Vec<_> = events.iter().map(|event| event.transition().unwrap().amount_minor).collect();
    assert_eq!(amounts, [1299, 1000, 1, 999]);
}
