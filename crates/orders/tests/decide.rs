//! The acceptance rule: examples and properties.
#![allow(missing_docs, clippy::unwrap_used)]

use orders::testing::samples::{at, authorized, captured, declined, eur, euros, request, stored, voided};
use orders::{
    BasedOn, Coverage, Decision, Evidence, Fulfilment, Incomplete, LookedUp, Order, OrderStatus, PaymentCopy, Price,
    covering_minor, decide,
};
use payment_events::{Money, PaymentInfo, PaymentStatus};
use proptest::prelude::*;

fn order(total_minor: i64) -> Order {
    Order::place(request("ord-1", euros(total_minor)), Evidence::copies(&[]), at())
}

fn dollars(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap()).unwrap()
}

fn status_of(total_minor: i64, payments: &[PaymentInfo]) -> OrderStatus {
    let payments: Vec<_> = payments.iter().cloned().map(stored).collect();
    decide(&order(total_minor), Evidence::copies(&payments), at()).status
}

#[test]
fn authorized_amounts_and_unrefunded_captures_cover_an_order() {
    let held = authorized("pay_1", euros(1_000));
    let refunded = PaymentInfo { status: PaymentStatus::Refunded, ..captured(&held, 1_000, 1_000) };
    let cases = [
        (held.clone(), 1_000),
        (captured(&held, 900, 0), 900),
        (captured(&held, 900, 300), 600),
        (refunded, 0),
        (voided(&held), 0),
        (declined("pay_1", euros(1_000)), 0),
        (authorized("pay_1", dollars(1_000)), 0),
    ];
    for (payment, minor) in cases {
        assert_eq!(covering_minor(&payment, eur()), minor, "{payment:?}");
    }
}

#[test]
fn an_order_is_accepted_once_payments_reach_its_total() {
    let pay = |minor| [authorized("pay_1", euros(minor))];
    assert_eq!(status_of(1_000, &[]), OrderStatus::AwaitingPayment);
    assert_eq!(status_of(1_000, &pay(999)), OrderStatus::AwaitingPayment);
    assert_eq!(status_of(1_000, &pay(1_000)), OrderStatus::Accepted);
    assert_eq!(status_of(1_000, &pay(1_001)), OrderStatus::Accepted);
}

#[test]
fn payments_add_up_without_overflow() {
    let halves = [authorized("pay_1", euros(500)), authorized("pay_2", euros(500))];
    assert_eq!(status_of(1_000, &halves), OrderStatus::Accepted);
    let huge = [authorized("pay_1", euros(i64::MAX)), authorized("pay_2", euros(i64::MAX))];
    assert_eq!(status_of(i64::MAX, &huge), OrderStatus::Accepted);
}

#[test]
fn the_decision_names_the_payments_it_is_based_on() {
    let cover = authorized("pay_2", euros(1_000));
    let payments = [stored(declined("pay_1", euros(1_000))), stored(cover.clone())];
    let decision = decide(&order(1_000), Evidence::copies(&payments), at().plus_ms(40)).decision;
    assert_eq!(decision.decided_at, at().plus_ms(40));
    let named: Vec<_> = decision.based_on.iter().map(|on| (on.payment_id.as_str(), on.status, on.age_ms)).collect();
    assert_eq!(named, [("pay_2", PaymentStatus::Authorized, 40), ("pay_1", PaymentStatus::Declined, 40)]);
}

#[test]
fn a_decision_is_bounded_and_keeps_the_covering_payments() {
    let mut payments: Vec<_> = (0..500).map(|n| stored(declined(&format!("pay_{n}"), euros(1)))).collect();
    payments.push(stored(authorized("pay_cover", euros(1))));
    let based_on = decide(&order(1), Evidence::copies(&payments), at()).decision.based_on;
    assert_eq!(based_on.len(), Decision::BASED_ON_MAX);
    assert_eq!(based_on[0].payment_id.as_str(), "pay_cover");
}

#[test]
fn an_order_that_leaves_hold_keeps_its_first_fulfilment_start() {
    let held = authorized("pay_1", euros(1_000));
    let placed = Order::place(request("ord-1", euros(1_000)), Evidence::copies(&[stored(held.clone())]), at());
    let started = Fulfilment::Started { at: at() };
    assert_eq!((placed.status, placed.fulfilment), (OrderStatus::Accepted, started));
    let on_hold = placed.settled(Evidence::copies(&[stored(voided(&held))]), at().plus_ms(10)).unwrap();
    assert_eq!((on_hold.status, on_hold.fulfilment, on_hold.revision), (OrderStatus::OnHold, started, 2));
    let second = [stored(authorized("pay_2", euros(1_000)))];
    let again = on_hold.settled(Evidence::copies(&second), at().plus_ms(20)).unwrap();
    assert_eq!((again.status, again.fulfilment, again.revision), (OrderStatus::Accepted, started, 3));
}

#[test]
fn a_waiting_order_shows_its_current_payments_and_an_accepted_one_those_it_was_accepted_on() {
    let decline = [stored(declined("pay_1", euros(1_000)))];
    let waiting = order(1_000).reviewed(Evidence::copies(&decline), at());
    assert_eq!(waiting.decision.based_on[0].status, PaymentStatus::Declined);

    let held = authorized("pay_1", euros(1_000));
    let accepted = Order::place(request("ord-1", euros(1_000)), Evidence::copies(&[stored(held.clone())]), at());
    let later = [stored(captured(&held, 1_000, 0))];
    assert_eq!(accepted.clone().reviewed(Evidence::copies(&later), at().plus_ms(9)), accepted);

    let covered = [stored(held)];
    assert_eq!(
        order(1_000).reviewed(Evidence::copies(&covered), at()),
        order(1_000),
        "a status is shown only after it is stored"
    );
}

fn price(minor: i64) -> Price {
    Price::new(minor, eur()).unwrap()
}

fn named(coverage: &Coverage) -> Vec<(&str, u64, i64)> {
    coverage.covered_by.iter().map(|payment| (payment.payment_id.as_str(), payment.version, payment.minor)).collect()
}

#[test]
fn the_coverage_follows_the_payments_while_an_accepted_order_keeps_its_decision() {
    let (first, second) = (authorized("pay_a", euros(1_000)), authorized("pay_b", euros(1_200)));
    let accepted = Order::place(request("ord-1", euros(1_000)), Evidence::copies(&[stored(first.clone())]), at());
    let both = [stored(first.clone()), stored(second.clone())];
    let coverage = decide(&accepted, Evidence::copies(&both), at()).coverage;
    assert_eq!((coverage.covered, coverage.overpaid, coverage.payments), (Some(price(1_000)), Some(price(1_200)), 2));
    let replaced = [stored(voided(&first)), stored(second)];
    let verdict = decide(&accepted, Evidence::copies(&replaced), at());
    assert_eq!(accepted.settled(Evidence::copies(&replaced), at()), None, "nothing is written");
    assert_eq!(named(&verdict.coverage), [("pay_b", 1, 1_200)]);
    let amounts = (verdict.coverage.covered, verdict.coverage.overpaid, verdict.coverage.is_complete);
    assert_eq!(amounts, (Some(price(1_000)), Some(price(200)), true));
    assert_eq!(accepted.decision.based_on[0].payment_id.as_str(), "pay_a");
}

#[test]
fn the_coverage_of_a_waiting_order_counts_parts_and_no_other_currency() {
    let payments =
        [authorized("pay_a", euros(300)), authorized("pay_b", dollars(900)), declined("pay_c", euros(900))].map(stored);
    let coverage = decide(&order(1_000), Evidence::copies(&payments), at()).coverage;
    assert_eq!(named(&coverage), [("pay_a", 1, 300)]);
    assert_eq!((coverage.covered, coverage.overpaid), (Some(price(300)), Some(price(0))));
}

#[test]
fn amounts_that_are_unknown_are_left_out_of_the_coverage() {
    let payments = [stored(authorized("pay_a", euros(1_200)))];
    let partly = |payments| Evidence { incomplete: Some(&Incomplete::TooMany), ..Evidence::copies(payments) };
    let of = |total, payments| decide(&order(total), partly(payments), at()).coverage;
    let uncovered = of(2_000, &payments);
    assert_eq!((uncovered.covered, uncovered.overpaid, uncovered.is_complete), (None, None, false));
    let covered = of(1_000, &payments);
    assert_eq!((covered.covered, covered.overpaid, covered.payments), (Some(price(1_000)), None, 1));
    let huge = [authorized("pay_a", euros(i64::MAX)), authorized("pay_b", euros(i64::MAX))].map(stored);
    let beyond = decide(&order(1), Evidence::copies(&huge), at()).coverage;
    assert_eq!((beyond.covered, beyond.overpaid, beyond.is_complete), (Some(price(1)), None, true));
}

#[test]
fn the_coverage_names_at_most_100_payments_and_counts_all() {
    let payments: Vec<_> = (0..300).map(|n| stored(authorized(&format!("pay_{n}"), euros(2)))).collect();
    let coverage = decide(&order(500), Evidence::copies(&payments), at()).coverage;
    assert_eq!((coverage.covered_by.len(), coverage.payments), (Coverage::NAMED_MAX, 300));
    assert_eq!((coverage.covered, coverage.overpaid), (Some(price(500)), Some(price(100))));
}

#[test]
fn an_order_without_a_price_needs_no_payment() {
    let gift = || request("ord-1", price(0));
    let placed = Order::place(gift(), Evidence::copies(&[]), at());
    assert_eq!((placed.status, placed.decision.payments), (OrderStatus::Accepted, 0));
    let partly = Evidence { incomplete: Some(&Incomplete::TooMany), ..Evidence::copies(&[]) };
    assert_eq!(Order::place(gift(), partly, at()).status, OrderStatus::Accepted);
    let held = authorized("pay_1", euros(5));
    for (payment, overpaid) in [(held.clone(), 5), (voided(&held), 0)].map(|(payment, minor)| (stored(payment), minor))
    {
        let verdict = decide(&placed, Evidence::copies(std::slice::from_ref(&payment)), at());
        assert_eq!((verdict.status, verdict.coverage.covered), (OrderStatus::Accepted, Some(price(0))));
        assert_eq!(verdict.coverage.overpaid, Some(price(overpaid)));
    }
}

/// Payments with distinct ids and amounts around the order totals.
fn any_payments() -> impl Strategy<Value = Vec<PaymentCopy>> {
    payments_with_prefix("pay_")
}

fn payments_with_prefix(prefix: &'static str) -> impl Strategy<Value = Vec<PaymentCopy>> {
    let amount = prop_oneof![4 => 1..=600_i64, 1 => Just(i64::MAX)];
    let parts = (amount, any::<bool>(), prop::sample::select(PaymentStatus::ALL.to_vec()), 0.0..=1.0, 0.0..1.0);
    prop::collection::vec(parts, 0..8).prop_map(move |parts| {
        let payments = parts.into_iter().enumerate();
        payments.map(|(n, parts)| stored(payment(&format!("{prefix}{n}"), parts))).collect()
    })
}

/// Builds a payment from shares of its amount. Rounding is irrelevant, the bounds are not.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn payment(payment_id: &str, parts: (i64, bool, PaymentStatus, f64, f64)) -> PaymentInfo {
    let (minor, in_euros, status, captured_share, refunded_share) = parts;
    let share = |of: i64, share: f64| ((of as f64 * share) as i64).clamp(0, of);
    let held = authorized(payment_id, if in_euros { euros(minor) } else { dollars(minor) });
    let part = share(minor, captured_share).max(1);
    let payment = match status {
        PaymentStatus::Authorized => held,
        PaymentStatus::Captured => captured(&held, part, share(part, refunded_share).min(part - 1)),
        PaymentStatus::Refunded => PaymentInfo { status, ..captured(&held, part, part) },
        PaymentStatus::Voided => voided(&held),
        PaymentStatus::Declined => declined(payment_id, held.amount),
    };
    payment.check().unwrap();
    payment
}

/// All payments that [`any_payments`] can generate, each in a newer version.
fn newer_versions_of_all_payments() -> impl Strategy<Value = Vec<PaymentCopy>> {
    any_payments().prop_map(|payments| {
        let others = (payments.len()..8).map(|n| stored(declined(&format!("pay_{n}"), euros(1))));
        let newest = |stored: PaymentCopy| {
            let payment = PaymentInfo { version: stored.payment.version + 9, ..stored.payment };
            PaymentCopy { payment, ..stored }
        };
        payments.into_iter().chain(others).map(newest).collect()
    })
}

/// An order decided on payments whose versions in the read model may be older, newer or missing.
fn any_order() -> impl Strategy<Value = Order> {
    order_decided_on(any_payments())
}

fn order_decided_on(payments: impl Strategy<Value = Vec<PaymentCopy>>) -> impl Strategy<Value = Order> {
    let total = prop_oneof![4 => 1..=1_500_i64, 1 => Just(i64::MAX)];
    (total, payments)
        .prop_map(|(total, payments)| Order::place(request("ord-1", euros(total)), Evidence::copies(&payments), at()))
}

/// Reference implementation: the newer of the read model's version and the decision's version of each payment counts.
fn covered(order: &Order, payments: &[PaymentCopy]) -> bool {
    let known = &order.decision.based_on;
    let copy_of = |known: &BasedOn| payments.iter().find(|stored| stored.payment.payment_id == known.payment_id);
    let is_newer = |known: &&BasedOn| copy_of(known).is_none_or(|stored| stored.payment.version < known.version);
    let is_outdated = |stored: &&PaymentCopy| {
        known.iter().filter(is_newer).any(|known| known.payment_id == stored.payment.payment_id)
    };
    let copies = payments.iter().filter(|stored| !is_outdated(stored));
    let copies: i128 = copies.map(|stored| i128::from(covering_minor(&stored.payment, eur()))).sum();
    let known: i128 = known.iter().filter(is_newer).map(|known| i128::from(known.covers_minor)).sum();
    copies + known >= i128::from(order.total().minor())
}

proptest! {
    #[test]
    fn an_order_is_accepted_exactly_when_it_is_covered(order in any_order(), payments in any_payments()) {
        let verdict = decide(&order, Evidence::copies(&payments), at());
        prop_assert_eq!(verdict.status == OrderStatus::Accepted, covered(&order, &payments));
        let was_accepted = order.fulfilment != Fulfilment::NotStarted;
        prop_assert_eq!(verdict.status == OrderStatus::AwaitingPayment, !was_accepted && !covered(&order, &payments));
        let started = matches!(verdict.fulfilment, Fulfilment::Started { .. });
        prop_assert_eq!(started, was_accepted || verdict.status == OrderStatus::Accepted);
    }

    #[test]
    fn covered_and_overpaid_amounts_add_up_to_the_usable_amount(total in 0..1_500_i64, payments in any_payments()) {
        let order = Order::place(request("ord-1", price(total)), Evidence::copies(&[]), at());
        let coverage = decide(&order, Evidence::copies(&payments), at()).coverage;
        let usable: i128 = payments.iter().map(|stored| i128::from(covering_minor(&stored.payment, eur()))).sum();
        let covered = i128::from(coverage.covered.unwrap().minor());
        prop_assert_eq!(covered, usable.min(i128::from(total)));
        let overpaid = i64::try_from(usable - covered).ok();
        prop_assert_eq!(coverage.overpaid.map(Price::minor), overpaid);
        prop_assert_eq!(coverage.covered_by.iter().map(|payment| i128::from(payment.minor)).sum::<i128>(), usable);
    }

    #[test]
    fn one_more_payment_never_uncovers_an_order(
        order in order_decided_on(payments_with_prefix("pay_before")),
        payments in any_payments(),
        count in 0..8_usize,
    ) {
        let fewer = &payments[..count.min(payments.len())];
        if decide(&order, Evidence::copies(fewer), at()).status == OrderStatus::Accepted {
            prop_assert_eq!(decide(&order, Evidence::copies(&payments), at()).status, OrderStatus::Accepted);
        }
    }

    #[test]
    fn the_sequence_of_payments_is_irrelevant(
        order in any_order(),
        (payments, shuffled) in any_payments().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let (payments, shuffled) = (Evidence::copies(&payments), Evidence::copies(&shuffled));
        prop_assert_eq!(decide(&order, payments, at()), decide(&order, shuffled, at()));
    }

    /// A payment read from the Payments API stops counting once the read model has the same or a newer version.
    #[test]
    fn the_status_depends_on_the_read_model_alone_once_all_payments_have_arrived(
        before in any_payments(), payments in newer_versions_of_all_payments(), total in 1..=1_500_i64,
    ) {
        let request = request("ord-1", euros(total));
        let remote = before.into_iter().map(|stored| stored.payment).collect();
        let remote = LookedUp { payments: remote, has_more: false };
        let lookup = Evidence { lookup: Some(&remote), ..Evidence::copies(&[]) };
        let order = Order::place(request.clone(), lookup, at());
        let arrived = Evidence::copies(&payments);
        let settled = decide(&order, arrived, at()).status;
        let placed_afresh = Order::place(request, arrived, at()).status;
        prop_assert_eq!(settled == OrderStatus::Accepted, placed_afresh == OrderStatus::Accepted);
    }

    #[test]
    fn settling_is_idempotent(order in any_order(), payments in any_payments(), later_ms in 0..1_000_u64) {
        let later = at().plus_ms(later_ms);
        if let Some(settled) = order.settled(Evidence::copies(&payments), at()) {
            prop_assert_ne!(settled.status, order.status);
            prop_assert_eq!(settled.revision, order.revision + 1);
            prop_assert_eq!(settled.settled(Evidence::copies(&payments), later), None);
        }
    }

    #[test]
    fn fulfilment_starts_once(order in any_order(), changes in prop::collection::vec(any_payments(), 0..5)) {
        let mut order = order;
        for (n, payments) in changes.into_iter().enumerate() {
            let (evidence, later) = (Evidence::copies(&payments), at().plus_ms(n as u64 + 1));
            let after = order.settled(evidence, later).unwrap_or_else(|| order.clone());
            if let Fulfilment::Started { .. } = order.fulfilment {
                prop_assert_eq!(after.fulfilment, order.fulfilment);
            }
            order = after;
        }
    }
}
