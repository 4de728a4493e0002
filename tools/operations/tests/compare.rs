//! The comparison, on made-up states of both services.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;

use orders::PaymentCopy;
use payment_events::{Money, PaymentInfo, Timestamp};
use payments::{Action, Caller, Change, Fingerprint, Lease, Outcome, PaymentRecord, PaymentRequest, RequestKey, Step};
use paystream_operations::{Compared, ComparedCounts, Difference, DifferenceClass, compare};
use proptest::prelude::*;

const GRACE_MS: u64 = 60_000;

fn made_at() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000).unwrap()
}

/// A time at which every made-up payment is older than the grace period.
fn now() -> Timestamp {
    made_at().plus_ms(GRACE_MS * 2)
}

/// The payment with this number at this version, 0 to 4.
fn record(number: u32, version: usize) -> PaymentRecord {
    let eur = |minor| Money::new(minor, "EUR".parse().unwrap()).unwrap();
    let request = PaymentRequest {
        caller: Caller::named(None),
        key: format!("key-{number}").parse().unwrap(),
        order_id: format!("ord-{}", number % 3).parse().unwrap(),
        amount: eur(1299),
        token: "tok_approve".parse().unwrap(),
        trace_parent: None,
    };
    let lease = Lease { until: made_at(), attempt: 1, holder: RequestKey::stored("first".to_owned()) };
    let begun = PaymentRecord::begin(&request, format!("pay_{number}").parse().unwrap(), lease, made_at());
    let actions = [
        Action::Decide(Outcome::Approved),
        Action::Change(Change::Capture(None)),
        Action::Change(Change::Refund(Some(eur(300)))),
        Action::Change(Change::Refund(None)),
    ];
    let record = actions.into_iter().take(version).zip(1..).fold(begun, |record, (action, n)| {
        let at = made_at().plus_ms(n);
        record.after(Step { key: RequestKey::stored(n.to_string()), action, at }, None).unwrap()
    });
    let published_version = record.payment.version;
    PaymentRecord { published_version, fingerprint: Fingerprint::stored("f".to_owned()), ..record }
}

fn published(record: &PaymentRecord) -> PaymentInfo {
    record.payment.event().unwrap().unwrap().into_payment()
}

fn copy(record: &PaymentRecord) -> PaymentCopy {
    PaymentCopy { payment: published(record), received_at: now() }
}

fn altered(copy: PaymentCopy) -> PaymentCopy {
    let created_at = made_at().plus_ms(1);
    PaymentCopy { payment: PaymentInfo { created_at, ..copy.payment }, ..copy }
}

fn classes(payments: &[PaymentRecord], copies: &[PaymentCopy]) -> Vec<DifferenceClass> {
    compare(payments, copies, now(), GRACE_MS).differences.into_iter().map(|difference| difference.class).collect()
}

#[test]
fn services_with_the_same_payments_agree() {
    let payments: Vec<_> = (1..=4).map(|version| record(1 + u32::try_from(version).unwrap(), version)).collect();
    let copies: Vec<_> = payments.iter().map(copy).collect();
    let seen = ComparedCounts { payments: 4, copies: 4, agreeing: 4, ..ComparedCounts::default() };
    assert_eq!(compare(&payments, &copies, now(), GRACE_MS), Compared { seen, differences: vec![] });
    assert_eq!(compare(&[], &[], now(), GRACE_MS), Compared::default());
}

#[test]
fn a_payment_without_a_copy_is_missing_and_reported_with_its_version_and_time() {
    let payment = record(1, 2);
    let expected = Difference {
        class: DifferenceClass::Missing,
        order_id: "ord-1".parse().unwrap(),
        payment_id: "pay_1".parse().unwrap(),
        payments_version: Some(2),
        orders_version: None,
        unpublished: false,
        updated_at: Some(made_at().plus_ms(2)),
        belongs_to: None,
    };
    assert_eq!(compare([&payment], [], now(), GRACE_MS).differences, [expected]);
}

#[test]
fn a_copy_of_an_earlier_version_is_stale_and_one_of_a_later_version_is_ahead() {
    assert_eq!(classes(&[record(1, 3)], &[copy(&record(1, 2))]), [DifferenceClass::Stale]);
    assert_eq!(classes(&[record(1, 2)], &[copy(&record(1, 3))]), [DifferenceClass::Ahead]);
    assert_eq!(
        classes(&[record(1, 0)], &[copy(&record(1, 1))]),
        [DifferenceClass::Ahead],
        "Payments is still processing it"
    );
}

#[test]
fn a_copy_without_a_payment_or_under_another_order_is_orphaned() {
    assert_eq!(classes(&[], &[copy(&record(1, 1))]), [DifferenceClass::Orphaned]);
    let elsewhere = copy(&record(1, 1));
    let payment = PaymentInfo { order_id: "ord-9".parse().unwrap(), ..elsewhere.payment.clone() };
    let elsewhere = PaymentCopy { payment, ..elsewhere };
    assert_eq!(classes(&[record(1, 1)], &[elsewhere]), [DifferenceClass::Missing, DifferenceClass::Orphaned]);
}

#[test]
fn a_copy_with_other_content_at_the_same_version_is_different() {
    assert_eq!(classes(&[record(1, 2)], &[altered(copy(&record(1, 2)))]), [DifferenceClass::Different]);
}

#[test]
fn a_payment_that_is_processing_needs_no_copy() {
    let seen = ComparedCounts { payments: 1, processing: 1, ..ComparedCounts::default() };
    assert_eq!(compare([&record(1, 0)], [], now(), GRACE_MS), Compared { seen, differences: vec![] });
}

#[test]
fn a_change_within_the_grace_period_is_pending_and_not_a_difference() {
    let (first, third) = (copy(&record(1, 1)), record(1, 3));
    let at = |age_ms: u64| third.payment.updated_at.plus_ms(age_ms);
    for copies in [vec![], vec![first]] {
        let Compared { seen, differences } = compare([&third], &copies, at(GRACE_MS - 1), GRACE_MS);
        assert_eq!((seen.pending, differences.len()), (1, 0));
        assert_eq!(compare([&third], &copies, at(GRACE_MS), GRACE_MS).differences.len(), 1);
        assert_eq!(compare([&third], &copies, at(0), 0).differences.len(), 1, "without grace");
    }
}

#[test]
fn a_payment_above_its_outbox_position_is_unpublished_and_neither_missing_nor_stale() {
    let due = PaymentRecord { published_version: 0, ..record(1, 1) };
    let differences = compare([&due], [], now(), GRACE_MS).differences;
    assert_eq!(
        differences.iter().map(|d| (d.class, d.unpublished)).collect::<Vec<_>>(),
        [(DifferenceClass::Unpublished, true)]
    );
    let changed = PaymentRecord { published_version: 1, ..record(1, 2) };
    assert_eq!(classes(&[changed], &[copy(&record(1, 1))]), [DifferenceClass::Unpublished]);
    // The event is on the stream, and only the position was not raised.
    assert_eq!(classes(std::slice::from_ref(&due), &[copy(&record(1, 1))]), []);
}

#[test]
fn differences_are_sorted_by_order_and_payment() {
    let payments: Vec<_> = (1..=9).rev().map(|number| record(number, 1)).collect();
    let differences = compare(&payments, &[copy(&record(11, 1))], now(), GRACE_MS).differences;
    let keys: Vec<_> = differences.iter().map(|d| (d.order_id.as_str(), d.payment_id.as_str())).collect();
    assert!(keys.is_sorted() && keys.len() == 10, "{keys:?}");
}

/// One payment on both sides: Payments' version, and the copy's version with true if its content is altered.
type State = (Option<usize>, Option<(usize, bool)>);

fn state() -> impl Strategy<Value = State> {
    (prop::option::of(0..=4_usize), prop::option::of((1..=4_usize, any::<bool>())))
}

/// Effect of a repair on Orders: a different copy is set back by one version, then the newer event replaces it.
fn repair(copies: &mut BTreeMap<String, PaymentCopy>, difference: &Difference, truth: &PaymentRecord) {
    let event = published(truth);
    let key = event.payment_id.to_string();
    if difference.class == DifferenceClass::Different {
        copies.get_mut(&key).unwrap().payment.version -= 1;
    }
    if copies.get(&key).is_none_or(|copy| copy.payment.version < event.version) {
        copies.insert(key, PaymentCopy { payment: event, received_at: now() });
    }
}

proptest! {
    #[test]
    fn a_repair_leaves_only_differences_that_cannot_be_repaired(states in prop::collection::vec(state(), 0..30)) {
        let mut truths = BTreeMap::new();
        let mut copies = BTreeMap::new();
        for (number, (truth, copied)) in (0..).zip(&states) {
            let id = format!("pay_{number}");
            truths.extend(truth.map(|version| (id.clone(), record(number, version))));
            let copied = copied.map(|(version, twist)| (copy(&record(number, version)), twist));
            copies.extend(copied.map(|(copy, twist)| (id, if twist { altered(copy) } else { copy })));
        }
        let before = compare(truths.values(), copies.values(), now(), GRACE_MS).differences;
        for difference in before.iter().filter(|difference| difference.class.is_repairable()) {
            repair(&mut copies, difference, &truths[difference.payment_id.as_str()]);
        }
        let Compared { seen, differences: after } = compare(truths.values(), copies.values(), now(), GRACE_MS);
        let left: Vec<_> = before.into_iter().filter(|difference| !difference.class.is_repairable()).collect();
        let ahead = left.iter().filter(|difference| difference.class == DifferenceClass::Ahead).count() as u64;
        prop_assert_eq!(&after, &left);
        // Every payment is in exactly one class.
        let counted = seen.agreeing + seen.processing + seen.pending + ahead;
        prop_assert_eq!(counted, truths.len() as u64);
    }
}
