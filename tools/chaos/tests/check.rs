//! The check finds each kind of violation. A check that finds nothing would let every run pass.
#![allow(missing_docs, clippy::unwrap_used)]

use fastrand::Rng;
use orders::{CustomerId, Evidence, Line, Lines, Order, OrderRequest, OrderStatus, PaymentCopy, Quantity};
use payment_events::{Money, PaymentInfo, Timestamp};
use payments::{
    Action, Caller, Change, Lease, Outcome, PaymentRecord, PaymentRequest, PublishModeName, RequestKey, Status, Step,
};
use paystream_chaos::{Appeared, Done, Findings, Plan, PlannedOrder, World};

fn at() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000).unwrap()
}

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

fn after(record: &PaymentRecord, action: Action) -> PaymentRecord {
    let step = Step { key: RequestKey::random(), action, at: at() };
    let record = record.after(step, None).unwrap();
    PaymentRecord { published_version: record.payment.version, ..record }
}

fn authorized(order_id: &str) -> PaymentRecord {
    let request = PaymentRequest {
        caller: Caller::named(None),
        key: order_id.parse().unwrap(),
        order_id: order_id.parse().unwrap(),
        amount: eur(1_000),
        token: "tok_approve".parse().unwrap(),
        trace_parent: None,
    };
    let lease = Lease { until: at(), attempt: 1, holder: RequestKey::random() };
    let begun = PaymentRecord::begin(&request, request.payment_id().unwrap(), lease, at());
    after(&begun, Action::Decide(Outcome::Approved))
}

fn info(record: &PaymentRecord) -> PaymentInfo {
    record.payment.event().unwrap().unwrap().into_payment()
}

fn copy(record: &PaymentRecord) -> PaymentCopy {
    PaymentCopy { payment: info(record), received_at: at() }
}

fn placed(order_id: &str, payments: &[PaymentCopy]) -> Order {
    let line = Line { sku: "tea".parse().unwrap(), quantity: Quantity::new(1).unwrap(), unit_price: eur(1_000).into() };
    let request = OrderRequest {
        order_id: order_id.parse().unwrap(),
        customer_id: "cust-7".parse::<CustomerId>().unwrap(),
        lines: Lines::new(vec![line]).unwrap(),
    };
    Order::place(request, Evidence::copies(payments), at())
}

/// A stream with these versions of the payment, in this order.
fn appeared(record: &PaymentRecord, versions: &[u64]) -> Appeared {
    let mut appeared = Appeared::default();
    for version in versions {
        appeared.add(&record.payment.payment_id, *version);
    }
    appeared
}

/// A consistent world: one captured payment with its accepted order, and the plan that made them.
fn consistent() -> (World, Vec<Done>) {
    let record = after(&authorized("ord-1"), Action::Change(Change::Capture(None)));
    let mut plan = Plan::new("ord-1".to_owned(), &mut Rng::with_seed(1));
    plan.order = Some(PlannedOrder { minor: 1_000, comes_first: false });
    let copies = vec![copy(&record)];
    let order = placed("ord-1", &copies);
    assert_eq!(order.status, OrderStatus::Accepted);
    let done = vec![Done { plan, payment: info(&record) }];
    let world = World {
        copies,
        orders: [(order.order_id.clone(), order)].into(),
        quarantined: 2,
        ..World::new(PublishModeName::Direct, appeared(&record, &[1, 2]))
    };
    let world = World { payments: [(record.payment.payment_id.clone(), record)].into(), ..world };
    (world, done)
}

/// Violations found after `spoil` has changed a consistent world.
fn found(spoil: impl FnOnce(&mut World)) -> Findings {
    let (mut world, done) = consistent();
    assert!(world.check(&done, 2).is_empty(), "{:?}", world.check(&done, 2));
    spoil(&mut world);
    world.check(&done, 2)
}

/// Asserts the number of violations of each kind.
fn assert_found(findings: &Findings, expected: &Findings) {
    let lengths = |findings: &Findings| {
        [&findings.lost, &findings.invented, &findings.unpublished, &findings.copies, &findings.stuck]
            .map(Vec::len)
            .into_iter()
            .chain([&findings.quarantine, &findings.given_up, &findings.unreadable, &findings.disordered].map(Vec::len))
            .collect::<Vec<_>>()
    };
    assert_eq!(lengths(findings), lengths(expected), "{findings:#?}");
}

fn one() -> Vec<String> {
    vec![String::new()]
}

fn the(world: &mut World) -> &mut PaymentRecord {
    world.payments.values_mut().next().unwrap()
}

#[test]
fn a_missing_payment_is_lost_and_its_copy_orphaned() {
    let findings = found(|world| world.payments.clear());
    assert_found(&findings, &Findings { lost: one(), copies: one(), ..Findings::default() });
}

#[test]
fn a_payment_that_differs_from_the_last_response_is_lost() {
    let findings = found(|world| {
        let refund = Action::Change(Change::Refund(Some(eur(1))));
        *the(world) = after(the(world), refund);
        world.appeared = appeared(the(world), &[1, 2, 3]);
        world.copies = vec![copy(the(world))];
    });
    assert_found(&findings, &Findings { lost: one(), ..Findings::default() });
}

#[test]
fn a_payment_that_is_still_processing_is_lost() {
    let findings = found(|world| the(world).payment.status = Status::Processing);
    assert_eq!(findings.lost.len(), 1);
}

#[test]
fn a_payment_or_order_that_no_client_requested_is_invented() {
    let findings = found(|world| {
        let other = authorized("ord-2");
        world.copies.push(copy(&other));
        let order = placed("ord-2", &[]);
        world.orders.insert(order.order_id.clone(), order);
        world.appeared.add(&other.payment.payment_id, 1);
        world.payments.insert(other.payment.payment_id.clone(), other);
    });
    assert_found(&findings, &Findings { invented: [one(), one()].concat(), ..Findings::default() });
}

#[test]
fn an_outbox_position_that_was_not_raised_is_found() {
    let findings = found(|world| the(world).published_version = 0);
    assert_found(&findings, &Findings { unpublished: one(), ..Findings::default() });
}

#[test]
fn positions_are_not_raised_in_stream_mode() {
    let findings = found(|world| {
        the(world).published_version = 0;
        world.mode = PublishModeName::Stream;
    });
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn a_version_that_is_missing_on_the_stream_is_found() {
    for on_stream in [&[][..], &[1]] {
        for mode in [PublishModeName::Direct, PublishModeName::Stream] {
            let findings = found(|world| {
                world.appeared = appeared(the(world), on_stream);
                world.mode = mode;
            });
            assert_found(&findings, &Findings { unpublished: one(), ..Findings::default() });
        }
    }
}

#[test]
fn versions_that_first_appear_in_another_order_are_found() {
    let repeated = found(|world| world.appeared = appeared(the(world), &[1, 1, 2, 1]));
    assert!(repeated.is_empty(), "{repeated:#?}");
    let reversed = found(|world| world.appeared = appeared(the(world), &[2, 1, 2]));
    assert_found(&reversed, &Findings { disordered: one(), ..Findings::default() });
    let skipped = found(|world| world.appeared = appeared(the(world), &[2]));
    assert_found(&skipped, &Findings { disordered: one(), unpublished: one(), ..Findings::default() });
}

#[test]
fn a_missing_or_stale_copy_is_found() {
    let missing = found(|world| world.copies.clear());
    assert_found(&missing, &Findings { copies: one(), ..Findings::default() });
    let stale = found(|world| world.copies = vec![copy(&authorized("ord-1"))]);
    assert_found(&stale, &Findings { copies: one(), ..Findings::default() });
}

#[test]
fn a_covered_order_that_is_waiting_or_missing_is_stuck() {
    let waiting =
        found(|world| world.orders.values_mut().for_each(|order| order.status = OrderStatus::AwaitingPayment));
    assert_found(&waiting, &Findings { stuck: one(), ..Findings::default() });
    let gone = found(|world| world.orders.clear());
    assert_found(&gone, &Findings { stuck: one(), ..Findings::default() });
}

#[test]
fn an_accepted_order_that_is_uncovered_or_was_never_placed_is_stuck() {
    let (world, mut done) = consistent();
    done[0].plan.order = Some(PlannedOrder { minor: 1_001, comes_first: true });
    assert_found(&world.check(&done, 2), &Findings { stuck: one(), ..Findings::default() });
    done[0].plan.order = None;
    assert_found(&world.check(&done, 2), &Findings { stuck: one(), ..Findings::default() });
}

#[test]
fn a_wrong_number_of_quarantined_records_is_found() {
    for quarantined in [1, 3] {
        let findings = found(|world| world.quarantined = quarantined);
        assert_found(&findings, &Findings { quarantine: one(), ..Findings::default() });
    }
}
