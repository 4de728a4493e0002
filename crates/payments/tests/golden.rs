//! Tests that Payments publishes the golden events of the contract.
#![allow(missing_docs, clippy::unwrap_used)]

use payment_events::{Decline, Money, Timestamp};
use payments::{Action, Change, Outcome, Payment};
use serde_json::Value;

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn begun() -> Payment {
    let amount = Money::new(1299, "EUR".parse().unwrap()).unwrap();
    let trace_parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
    let payment_id = "pay_01J9Z3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    Payment::begin(payment_id, "ord-42".parse().unwrap(), amount, Some(trace_parent), at("2026-11-22T20:00:00.000Z"))
}

fn after(payment: Payment, action: &Action, time: &str) -> Payment {
    payment.after(action, at(time)).unwrap()
}

fn authorized() -> Payment {
    after(begun(), &Action::Decide(Outcome::Approved), "2026-11-22T20:00:00.123Z")
}

fn captured_and_partly_refunded() -> Payment {
    let captured = after(authorized(), &Action::Change(Change::Capture(None)), "2026-11-22T20:01:00.000Z");
    let part = Money::new(300, "EUR".parse().unwrap()).unwrap();
    after(captured, &Action::Change(Change::Refund(Some(part))), "2026-11-22T20:05:00.456Z")
}

#[track_caller]
fn assert_publishes(payment: &Payment, golden: &str) {
    let published = payment.event().unwrap().unwrap().encode();
    let published: Value = serde_json::from_slice(&published).unwrap();
    assert_eq!(published, serde_json::from_str::<Value>(golden).unwrap());
}

#[test]
fn every_published_state_has_its_golden_event() {
    assert_publishes(&authorized(), include_str!("../../payment-events/golden/payment.authorized.v1.json"));
    let decline =
        Decline { code: "insufficient_funds".to_owned(), message: "The card has insufficient funds.".to_owned() };
    let declined = after(begun(), &Action::Decide(Outcome::Declined(decline)), "2026-11-22T20:00:00.250Z");
    assert_publishes(&declined, include_str!("../../payment-events/golden/payment.declined.v1.json"));
    let voided = after(authorized(), &Action::Change(Change::Void), "2026-11-22T20:10:00.789Z");
    assert_publishes(&voided, include_str!("../../payment-events/golden/payment.voided.v1.json"));
    let captured = captured_and_partly_refunded();
    assert_publishes(&captured, include_str!("../../payment-events/golden/payment.captured.v1.json"));
    let untraced = Payment { trace_parent: None, ..captured };
    let refunded = after(untraced, &Action::Change(Change::Refund(None)), "2026-11-23T08:00:00.000Z");
    assert_publishes(&refunded, include_str!("../../payment-events/golden/payment.refunded.v1.json"));
}
