//! Property tests of the payment state machine and of payment records.
#![allow(missing_docs, clippy::unwrap_used)]

use payment_events::{Decline, Money, PaymentEvent, PaymentStatus, Timestamp, TransitionAction};
use payments::{
    Action, Caller, Change, IllegalTransition, Lease, Outcome, Payment, PaymentRecord, PaymentRequest, RequestKey,
    STEPS_MAX, Status, Step, StepError,
};
use proptest::prelude::*;

fn any_action() -> impl Strategy<Value = Action> {
    let amount = prop_oneof![
        Just(None),
        (1..=1_001_i64).prop_map(|minor| Some(eur(minor))),
        Just(Some(eur(i64::MAX))),
        Just(Some(Money::new(1, "USD".parse().unwrap()).unwrap())),
    ];
    prop_oneof![
        Just(Action::Decide(Outcome::Approved)),
        Just(Action::Decide(Outcome::Declined(Decline { code: "x".into(), message: "y".into() }))),
        Just(Action::Change(Change::Void)),
        amount.clone().prop_map(|amount| Action::Change(Change::Capture(amount))),
        amount.prop_map(|amount| Action::Change(Change::Refund(amount))),
    ]
}

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

fn payment(minor: i64) -> Payment {
    Payment::begin("pay_1".parse().unwrap(), "ord-1".parse().unwrap(), eur(minor), None, at(1_000))
}

fn at(unix_ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(unix_ms).unwrap()
}

/// Returns true if the state machine has the transition, whatever the amount.
fn is_allowed(from: Status, action: &Action) -> bool {
    matches!(
        (from, action),
        (Status::Processing, Action::Decide(_))
            | (Status::Public(PaymentStatus::Authorized), Action::Change(Change::Void | Change::Capture(_)))
            | (Status::Public(PaymentStatus::Captured), Action::Change(Change::Refund(_)))
    )
}

proptest! {
    #[test]
    fn every_sequence_of_actions_keeps_amounts_versions_and_the_contract(
        minor in 1..=1_000_i64,
        walk in prop::collection::vec((any_action(), 0..10_000_i64), 0..12),
    ) {
        let mut payment = payment(minor);
        for (action, clock_ms) in walk {
            let before = payment.clone();
            let allowed = is_allowed(before.status, &action);
            match payment.clone().after(&action, at(clock_ms)) {
                Ok(after) => {
                    prop_assert!(allowed, "{action:?} from {}", before.status);
                    prop_assert_eq!(after.version, before.version + 1);
                    prop_assert!(after.updated_at >= before.updated_at, "time never goes back");
                    prop_assert!(after.event().unwrap().is_ok(), "every published state satisfies the contract");
                    payment = after;
                }
                Err(IllegalTransition::Status { from, .. }) => {
                    prop_assert!(!allowed);
                    prop_assert_eq!(from, before.status);
                }
                Err(IllegalTransition::Amount { available_minor }) => {
                    prop_assert!(allowed && requested(&action).minor() > available_minor);
                }
                Err(IllegalTransition::Currency { currency }) => {
                    prop_assert!(allowed && requested(&action).currency() != currency);
                }
            }
        }
    }

    #[test]
    fn a_payment_is_refunded_exactly_when_its_refunds_reach_the_captured_amount(
        captured in 1..=1_000_i64,
        parts in prop::collection::vec(prop::option::weighted(0.9, 1..=400_i64), 1..8),
    ) {
        let capture = Action::Change(Change::Capture(Some(eur(captured))));
        let authorized = payment(1_000).after(&Action::Decide(Outcome::Approved), at(1)).unwrap();
        let mut payment = authorized.after(&capture, at(2)).unwrap();
        let mut refunded = 0;
        for part in parts {
            let refund = Action::Change(Change::Refund(part.map(eur)));
            if let Ok(after) = payment.clone().after(&refund, at(3)) {
                refunded = part.map_or(captured, |part| refunded + part);
                payment = after;
            }
            prop_assert_eq!(payment.refunded_minor, refunded);
            prop_assert!(refunded <= captured);
            let whole = payment.status == Status::Public(PaymentStatus::Refunded);
            prop_assert_eq!(whole, refunded == captured);
        }
    }

    #[test]
    fn a_record_restores_the_payment_at_each_version(
        minor in 1..=1_000_i64,
        walk in prop::collection::vec((any_action(), 0..10_000_i64), 0..12),
    ) {
        let mut record = record(minor);
        let (mut versions, mut originals) = (vec![record.payment.clone()], Vec::new());
        for (action, clock_ms) in walk {
            let step = Step { key: RequestKey::random(), action, at: at(clock_ms) };
            if let Ok(after) = record.after(step.clone(), None) {
                prop_assert_eq!(after.step_by(&step.key), Some((&step, after.payment.version)));
                prop_assert!(after.is_due() && after.includes(&record) && !record.includes(&after));
                record = after;
                versions.push(record.payment.clone());
                originals.extend(record.events_after(record.payment.version - 1).unwrap());
            }
        }
        for (version, payment) in (0..).zip(&versions) {
            prop_assert_eq!(&record.as_of(version).unwrap(), payment);
        }
        for position in 0..versions.len() {
            let rebuilt = record.events_after(position as u64).unwrap();
            prop_assert_eq!(&rebuilt[..], &originals[position..]);
        }
        let moved = |wanted| -> i64 {
            let transitions = originals.iter().filter_map(PaymentEvent::transition);
            transitions.filter(|made| made.action == wanted).map(|made| made.amount_minor).sum()
        };
        prop_assert_eq!(moved(TransitionAction::Capture), record.payment.captured_minor);
        prop_assert_eq!(moved(TransitionAction::Refund), record.payment.refunded_minor);
    }
}

fn requested(action: &Action) -> Money {
    match action {
        Action::Change(Change::Capture(Some(requested)) | Change::Refund(Some(requested))) => *requested,
        other => panic!("{other:?} has no amount"),
    }
}

fn record(minor: i64) -> PaymentRecord {
    let request = PaymentRequest {
        caller: Caller::named(Some("client-7")),
        key: "key-1".parse().unwrap(),
        order_id: "ord-1".parse().unwrap(),
        amount: eur(minor),
        token: "tok_approve".parse().unwrap(),
        trace_parent: None,
    };
    let lease = Lease { until: at(2_000), attempt: 1, holder: RequestKey::random() };
    PaymentRecord::begin(&request, request.payment_id().unwrap(), lease, at(1_000))
}

#[test]
fn a_payment_allows_100_refunds_and_one_of_all_that_is_left() {
    let step = |action| Step { key: RequestKey::random(), action, at: at(1) };
    let mut record = record(1_000).after(step(Action::Decide(Outcome::Approved)), None).unwrap();
    record = record.after(step(Action::Change(Change::Capture(None))), None).unwrap();
    let refund = |part: Option<i64>| step(Action::Change(Change::Refund(part.map(eur))));
    for _ in 0..100 {
        record = record.after(refund(Some(1)), None).unwrap();
    }
    for part in [1, 899] {
        assert_eq!(record.after(refund(Some(part)), None), Err(StepError::TooMany));
    }
    for rest in [None, Some(900)] {
        let refunded = record.after(refund(rest), None).unwrap();
        assert_eq!(refunded.payment.status, Status::Public(PaymentStatus::Refunded));
        assert_eq!(refunded.steps.len(), STEPS_MAX);
    }
}

#[test]
fn a_processing_payment_is_never_published() {
    assert!(payment(1).event().is_none());
}
