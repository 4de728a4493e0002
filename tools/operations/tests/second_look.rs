//! A change while both tables are read must not be reported as a difference. Each test makes the change at the one
//! moment at which it could be.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use orders::testing::samples;
use orders::{Evidence, Order, OrderQueries, OrderStatus, OrderStore, PaymentCopies, PaymentCopy};
use orders_aws::{Copies, OrdersTable};
use payment_events::{Money, Timestamp};
use payments::{Action, Caller, Change, Lease, Outcome, PaymentRecord, PaymentRequest, PaymentStore, RequestKey, Step};
use payments_aws::PaymentsTable;
use paystream_operations::{
    Compared, DifferenceClass, OperationProgress, OrderDifferenceClass, PaymentsSide, Reconcile, Reconciled, Replay,
    Stack, unwatched,
};
use support::stack_on_emulators;

struct Sides {
    stack: Stack,
    payments: PaymentsTable,
    orders: OrdersTable,
    copies: Copies,
}

impl Sides {
    async fn start() -> Self {
        let (stack, client) = stack_on_emulators().await;
        Self {
            stack,
            payments: PaymentsTable::new(client.clone(), "PaymentsTable"),
            orders: OrdersTable::new(client.clone(), "OrdersTable"),
            copies: Copies::new(client, "OrdersTable"),
        }
    }

    async fn begin(&self, order_id: &str) -> PaymentRecord {
        let request = PaymentRequest {
            caller: Caller::named(None),
            key: order_id.parse().unwrap(),
            order_id: order_id.parse().unwrap(),
            amount: Money::new(1299, "EUR".parse().unwrap()).unwrap(),
            token: "tok_approve".parse().unwrap(),
            trace_parent: None,
        };
        let lease = Lease { until: Timestamp::now(), attempt: 1, holder: RequestKey::random() };
        let begun = PaymentRecord::begin(&request, request.payment_id().unwrap(), lease, Timestamp::now());
        self.payments.begin(&begun).await.unwrap();
        begun
    }

    async fn pay(&self, order_id: &str) -> PaymentRecord {
        let begun = self.begin(order_id).await;
        self.change(&begun, Action::Decide(Outcome::Approved)).await
    }

    async fn change(&self, record: &PaymentRecord, action: Action) -> PaymentRecord {
        let step = Step { key: RequestKey::random(), action, at: Timestamp::now() };
        let next = record.after(step, None).unwrap();
        self.payments.replace(record, &next).await.unwrap();
        next
    }

    async fn project(&self, record: &PaymentRecord) {
        let payment = record.payment.event().unwrap().unwrap().into_payment();
        self.orders.put_if_newer(&PaymentCopy { payment, received_at: Timestamp::now() }).await.unwrap();
    }

    /// Compares without a grace period, and runs `meanwhile` once, at the first progress report that matches `when`.
    async fn compare(&self, when: fn(OperationProgress) -> bool, meanwhile: impl AsyncFn() + Sync) -> Reconciled {
        let happened = AtomicBool::new(false);
        let watch = |progress| {
            if when(progress) && !happened.swap(true, Ordering::Relaxed) {
                let runtime = tokio::runtime::Handle::current();
                tokio::task::block_in_place(|| runtime.block_on(meanwhile()));
            }
        };
        let found = Reconcile::new(&self.stack, 0).compare(&watch).await.unwrap();
        assert!(happened.into_inner(), "no progress report matched");
        found
    }
}

fn copies_are_read(progress: OperationProgress) -> bool {
    matches!(progress, OperationProgress::ReadingOrders { .. })
}

fn both_are_read(progress: OperationProgress) -> bool {
    matches!(progress, OperationProgress::ReadingPayments { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_created_and_copied_between_the_two_reads_is_neither_orphaned_nor_missing() {
    let sides = Sides::start().await;
    let found = sides.compare(copies_are_read, async || sides.project(&sides.pay("ord-1").await).await).await;
    assert_eq!((found.agrees(), found.seen.agreeing), (true, 1), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_changes_between_the_two_reads_is_neither_ahead_nor_stale() {
    let sides = Sides::start().await;
    let first = sides.pay("ord-1").await;
    sides.project(&first).await;
    let meanwhile = async || sides.project(&sides.change(&first, Action::Change(Change::Capture(None))).await).await;
    let found = sides.compare(copies_are_read, meanwhile).await;
    assert_eq!((found.agrees(), found.seen.agreeing), (true, 1), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_arrives_before_the_second_read_is_not_missing() {
    let sides = Sides::start().await;
    let payment = sides.pay("ord-1").await;
    let found = sides.compare(both_are_read, async || sides.project(&payment).await).await;
    assert_eq!((found.agrees(), found.seen.agreeing), (true, 1), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_difference_has_the_versions_of_the_second_read() {
    let sides = Sides::start().await;
    let first = sides.pay("ord-1").await;
    let second = sides.change(&first, Action::Change(Change::Capture(None))).await;
    let found = sides.compare(both_are_read, async || sides.project(&first).await).await;
    assert_eq!(found.differences.iter().map(|found| found.class).collect::<Vec<_>>(), [DifferenceClass::Unpublished]);
    assert_eq!(found.differences[0].payments_version, Some(second.payment.version));
    assert_eq!(found.differences[0].orders_version, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_sets_a_different_copy_back_and_publishes_the_current_version() {
    let sides = Sides::start().await;
    let first = sides.pay("ord-1").await;
    let mut wrong = first.payment.event().unwrap().unwrap().into_payment();
    wrong.amount = Money::new(5, "EUR".parse().unwrap()).unwrap();
    sides.orders.put_if_newer(&PaymentCopy { payment: wrong, received_at: Timestamp::now() }).await.unwrap();
    let reconcile = Reconcile::new(&sides.stack, 0);
    let found = reconcile.compare(&unwatched).await.unwrap();
    assert_eq!(found.differences.iter().map(|found| found.class).collect::<Vec<_>>(), [DifferenceClass::Different]);
    let second = sides.change(&first, Action::Change(Change::Capture(None))).await;
    let report = reconcile.repair(&found, false, &unwatched).await.unwrap();
    assert_eq!(report.payments.sent.iter().map(|sent| sent.version).collect::<Vec<_>>(), [2]);
    let (order_id, payment_id) = (&first.payment.order_id, &first.payment.payment_id);
    assert_eq!(sides.copies.load(order_id, payment_id).await.unwrap().unwrap().payment.version, 0);
    let stored = sides.payments.load(payment_id).await.unwrap().unwrap();
    assert_eq!((stored.published_version, stored.payment), (2, second.payment), "its outbox position is raised");
}

/// An order that waits for one of the payments of these tests.
fn placed(order_id: &str) -> Order {
    Order::place(samples::request(order_id, samples::euros(1299)), Evidence::copies(&[]), Timestamp::now())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_settled_between_its_two_reads_is_not_a_difference() {
    let sides = Sides::start().await;
    sides.orders.insert(&placed("ord-1")).await.unwrap();
    sides.project(&sides.pay("ord-1").await).await;
    let settle = sides.stack.settle().unwrap();
    let meanwhile = async || drop(settle.settle(&"ord-1".parse().unwrap(), None).await.unwrap());
    let found = sides.compare(copies_are_read, meanwhile).await;
    assert_eq!((found.agrees(), found.orders_seen.settled), (true, 1), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_a_republished_payment_is_left_to_the_projector() {
    let sides = Sides::start().await;
    let first = sides.pay("ord-1").await;
    let second = sides.change(&first, Action::Change(Change::Void)).await;
    sides.orders.insert(&placed("ord-1")).await.unwrap();
    sides.project(&first).await;
    let reconcile = Reconcile::new(&sides.stack, 0);
    let found = reconcile.compare(&unwatched).await.unwrap();
    assert_eq!(found.order_differences[0].class, OrderDifferenceClass::CoveredNotAccepted);
    let mut report = reconcile.repair(&found, false, &unwatched).await.unwrap();
    assert_eq!(report.orders_settled, [], "the copy that covers the order is stale");
    sides.project(&second).await;
    reconcile.settle_awaiting(&mut report).await.unwrap();
    assert_eq!(report.orders_settled, ["ord-1".parse().unwrap()]);
    let order = sides.orders.read(&"ord-1".parse().unwrap()).await.unwrap().order.unwrap();
    assert_eq!((order.status, order.revision), (OrderStatus::AwaitingPayment, 1), "it was never accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_payment_that_payments_has_not_decided_is_deleted_on_demand_and_its_order_settled() {
    let sides = Sides::start().await;
    let begun = sides.begin("ord-1").await;
    let step = Step { key: RequestKey::random(), action: Action::Decide(Outcome::Approved), at: Timestamp::now() };
    // Payments lost the decision, which Orders has.
    sides.project(&begun.after(step, None).unwrap()).await;
    sides.orders.insert(&placed("ord-1")).await.unwrap();
    sides.stack.settle().unwrap().settle(&"ord-1".parse().unwrap(), None).await.unwrap();
    let reconcile = Reconcile::new(&sides.stack, 0);
    let found = reconcile.compare(&unwatched).await.unwrap();
    assert_eq!(found.count(DifferenceClass::Ahead), 1);
    assert!(found.is_beyond_repair(false) && !found.is_beyond_repair(true));
    let report = reconcile.repair(&found, true, &unwatched).await.unwrap();
    assert_eq!(report.copies_deleted, [begun.payment.payment_id]);
    assert_eq!((report.payments.sent, report.orders_settled), (vec![], vec!["ord-1".parse().unwrap()]));
    let found = reconcile.compare(&unwatched).await.unwrap();
    assert_eq!((found.agrees(), found.count_orders(OrderDifferenceClass::OnHoldInFulfilment)), (true, 1), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_stack_can_be_read_into_memory() {
    let sides = Sides::start().await;
    let payment = sides.pay("ord-1").await;
    sides.project(&payment).await;
    let PaymentsSide { payments, unreadable } = sides.stack.read_payments().await.unwrap();
    let orders = sides.stack.read_orders().await.unwrap();
    assert_eq!((payments.len(), unreadable.len(), orders.orders.len(), orders.copies.len()), (1, 0, 0, 1));
    let Compared { seen, differences } = paystream_operations::compare(&payments, &orders.copies, Timestamp::now(), 0);
    assert_eq!((seen.agreeing, differences.len()), (1, 0));
    assert_eq!(sides.stack.read_quarantine().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_several_pages_are_compared_and_replayed_completely() {
    let count = 60;
    let sides = Sides::start().await;
    let stack = &sides.stack.clone().with_pages_of(7);
    for n in 0..count {
        let payment = sides.pay(&format!("ord-{n}")).await;
        if n % 2 == 0 {
            sides.project(&payment).await;
        }
    }
    let found = Reconcile::new(stack, 0).compare(&unwatched).await.unwrap();
    assert_eq!(
        (found.seen.payments, found.seen.copies, found.count(DifferenceClass::Unpublished)),
        (count, count / 2, 30)
    );
    let replay = Replay {
        since: None,
        order_id: None,
        after: None,
        rate_per_second: 1_000_000.try_into().unwrap(),
        dry_run: false,
    };
    let replayed = replay.run(stack, &|| false, &unwatched).await.unwrap();
    assert_eq!((replayed.read, replayed.sent, replayed.is_complete), (count, count, true));
    let found = Reconcile::new(stack, 0).compare(&unwatched).await.unwrap();
    assert_eq!(found.count(DifferenceClass::Missing), 30, "their outbox marks are cleared");
}
