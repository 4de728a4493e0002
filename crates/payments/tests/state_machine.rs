//! The state machine: any walk through it keeps a payment's sums and versions right.
#![allow(missing_docs, clippy::unwrap_used)]

use payment_events::{Decline, Money, PaymentStatus, Timestamp};
use payments::{IllegalTransition, Payment, Status};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Authorize,
    Decline,
    Void,
    Capture(i64),
    Refund(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Authorize),
        Just(Step::Decline),
        Just(Step::Void),
        (-1..=1_001_i64).prop_map(Step::Capture),
        (-1..=1_001_i64).prop_map(Step::Refund),
        Just(Step::Refund(i64::MAX)),
        Just(Step::Refund(i64::MIN)),
    ]
}

fn payment(minor: i64) -> Payment {
    let amount = Money::new(minor, "EUR".parse().unwrap()).unwrap();
    Payment::begin("pay_1".parse().unwrap(), "ord-1".parse().unwrap(), amount, None, at(1_000))
}

fn at(unix_ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(unix_ms).unwrap()
}

fn take(payment: Payment, step: &Step, now: Timestamp) -> Result<Payment, IllegalTransition> {
    match *step {
        Step::Authorize => payment.authorize(now),
        Step::Decline => payment.decline(Decline { code: "x".into(), message: "y".into() }, now),
        Step::Void => payment.void(now),
        Step::Capture(minor) => payment.capture(minor, now),
        Step::Refund(minor) => payment.refund(minor, now),
    }
}

/// The steps of the diagram, without amounts.
fn allowed(from: Status, step: &Step) -> bool {
    matches!(
        (from, step),
        (Status::Processing, Step::Authorize | Step::Decline)
            | (Status::Public(PaymentStatus::Authorized), Step::Void | Step::Capture(_))
            | (Status::Public(PaymentStatus::Captured), Step::Refund(_))
    )
}

proptest! {
    #[test]
    fn every_walk_keeps_sums_versions_and_the_contract(
        minor in 1..=1_000_i64,
        steps in prop::collection::vec((any_step(), 0..10_000_i64), 0..12),
    ) {
        let mut payment = payment(minor);
        for (step, clock_ms) in steps {
            let before = payment.clone();
            let legal = allowed(before.status, &step);
            match take(payment, &step, at(clock_ms)) {
                Ok(after) => {
                    prop_assert!(legal, "{step:?} from {}", before.status);
                    prop_assert_eq!(after.version, before.version + 1);
                    prop_assert!(after.updated_at >= before.updated_at, "time never goes back");
                    prop_assert!(after.event().unwrap().is_ok(), "every published state keeps the contract");
                    payment = after;
                }
                Err(IllegalTransition::Status { from, .. }) => {
                    prop_assert!(!legal);
                    prop_assert_eq!(from, before.status);
                    payment = before;
                }
                Err(IllegalTransition::Amount { available_minor }) => {
                    prop_assert!(legal);
                    let (Step::Capture(asked) | Step::Refund(asked)) = step else { panic!("{step:?} has no amount") };
                    prop_assert!(!(1..=available_minor).contains(&asked));
                    payment = before;
                }
            }
        }
    }

    #[test]
    fn refunds_in_any_parts_end_refunded_exactly_when_all_is_given_back(
        captured in 1..=1_000_i64,
        parts in prop::collection::vec(1..=400_i64, 1..8),
    ) {
        let mut payment = payment(1_000).authorize(at(1)).unwrap().capture(captured, at(2)).unwrap();
        let mut refunded = 0;
        for part in parts {
            if let Ok(after) = payment.clone().refund(part, at(3)) {
                payment = after;
                refunded += part;
            }
            prop_assert_eq!(payment.refunded_minor, refunded);
            prop_assert!(refunded <= captured);
            let whole = payment.status == Status::Public(PaymentStatus::Refunded);
            prop_assert_eq!(whole, refunded == captured);
        }
    }
}

#[test]
fn what_is_processing_is_never_published() {
    assert!(payment(1).event().is_none());
}
