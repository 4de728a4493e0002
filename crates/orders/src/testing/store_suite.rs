//! Test suite that every adapter of the order ports must pass.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

use payment_events::{Money, PaymentInfo};

use super::samples;
use crate::{
    Evidence, Fulfilment, Incomplete, Inserted, Line, Lines, LookedUp, Order, OrderQueries, OrderRequest, OrderStatus,
    OrderStore, OrderView, PAYMENTS_MAX, PLACED_AT_ONCE_MAX, PaymentCopies, PaymentCopy, PaymentPages, PaymentsPage,
    PlacedOrders, Price, Quantity, Replaced, Stored,
};

/// Runs all checks against one store, which may hold other orders.
pub async fn check<S: OrderStore + OrderQueries + PaymentPages + PaymentCopies>(store: &S) {
    an_unknown_order_reads_as_empty(store).await;
    an_order_is_inserted_once(store).await;
    placed_orders_are_found_among_unplaced_ones(store).await;
    only_the_expected_revision_is_replaced(store).await;
    every_field_of_an_order_round_trips(store).await;
    every_field_of_a_payment_round_trips(store).await;
    only_a_newer_version_is_stored(store).await;
    payments_may_arrive_before_their_order(store).await;
    orders_are_isolated_from_each_other(store).await;
    a_long_list_of_payments_is_read_completely(store).await;
    more_payments_than_settlement_considers_are_cut_and_said_to_be(store).await;
    payments_are_listed_in_pages(store).await;
}

fn order(order_id: &str) -> Order {
    Order::place(samples::request(order_id, samples::euros(1299)), Evidence::copies(&[]), samples::at())
}

fn payment(order_id: &str, payment_id: &str, version: u64) -> PaymentCopy {
    let payment = samples::authorized(payment_id, samples::euros(1299));
    samples::stored(PaymentInfo { order_id: order_id.parse().unwrap(), version, ..payment })
}

fn paid_by(payments: Vec<PaymentCopy>) -> OrderView {
    OrderView { order: None, payments, incomplete: None }
}

async fn read(store: &impl OrderQueries, order_id: &str) -> OrderView {
    store.read(&order_id.parse().unwrap()).await.unwrap()
}

async fn an_unknown_order_reads_as_empty(store: &impl OrderQueries) {
    assert_eq!(read(store, "suite-unknown").await, OrderView::default());
}

async fn an_order_is_inserted_once<S: OrderStore + OrderQueries>(store: &S) {
    let first = order("suite-insert");
    assert_eq!(store.insert(&first).await.unwrap(), Inserted::New);
    let second = Order { customer_id: "someone-else".parse().unwrap(), ..first.clone() };
    assert_eq!(store.insert(&second).await.unwrap(), Inserted::Known(Box::new(first.clone())));
    assert_eq!(read(store, "suite-insert").await.order, Some(first));
}

async fn placed_orders_are_found_among_unplaced_ones<S>(store: &S)
where
    S: OrderStore + OrderQueries + PaymentCopies,
{
    let ids: Vec<payment_events::OrderId> =
        (0..PLACED_AT_ONCE_MAX).map(|n| format!("suite-placed-{n}").parse().unwrap()).collect();
    assert_eq!(store.placed(&ids).await.unwrap(), PlacedOrders::default());
    let mut expected = Vec::new();
    for order_id in ids.iter().step_by(7) {
        expected.push(order(order_id.as_str()));
        store.insert(&order(order_id.as_str())).await.unwrap();
    }
    let paid = payment("suite-placed-1", "pay_1", 1);
    store.put_if_newer(&paid).await.unwrap();
    let PlacedOrders { orders: mut placed, unreadable } = store.placed(&ids).await.unwrap();
    placed.sort_by_key(|order| ids.iter().position(|order_id| *order_id == order.order_id));
    assert_eq!(placed, expected, "an order id with only a payment is not placed");
    assert_eq!(unreadable, []);
    assert_eq!(store.payments(&ids[0]).await.unwrap(), OrderView::default());
    assert_eq!(store.payments(&ids[1]).await.unwrap(), paid_by(vec![paid]));
}

async fn only_the_expected_revision_is_replaced<S: OrderStore + OrderQueries>(store: &S) {
    let first = order("suite-replace");
    let second = Order { revision: 2, status: OrderStatus::OnHold, ..first.clone() };
    assert_eq!(store.replace(&second, 1).await.unwrap(), Replaced::Lost, "there is no order to replace");
    assert_eq!(read(store, "suite-replace").await, OrderView::default());
    store.insert(&first).await.unwrap();
    assert_eq!(store.replace(&second, 1).await.unwrap(), Replaced::Done);
    let late = Order { status: OrderStatus::Accepted, ..second.clone() };
    assert_eq!(store.replace(&late, 1).await.unwrap(), Replaced::Lost, "another write was first");
    assert_eq!(store.replace(&late, 3).await.unwrap(), Replaced::Lost, "this revision does not exist yet");
    assert_eq!(read(store, "suite-replace").await.order, Some(second));
}

async fn every_field_of_an_order_round_trips<S: OrderStore + OrderQueries>(store: &S) {
    let line = |sku: &str, quantity, minor| Line {
        sku: sku.parse().unwrap(),
        quantity: Quantity::new(quantity).unwrap(),
        unit_price: Price::new(minor, "JPY".parse().unwrap()).unwrap(),
    };
    let lines = vec![line("b", Quantity::MAX, 3), line("a", 1, i64::MAX / 2), line("gift", 1, 0)];
    let lines = Lines::new(lines).unwrap();
    let request = OrderRequest { lines, ..samples::request("suite-fields", samples::euros(1)) };
    let total = Money::new(request.lines.total().minor(), request.lines.total().currency()).unwrap();
    let payments = [
        samples::stored(samples::authorized("pay_cover", total)),
        samples::stored(PaymentInfo { version: u64::MAX, ..samples::declined("pay_no", total) }),
    ];
    let placed = Order::place(request, Evidence::copies(&payments), samples::at().plus_ms(42));
    assert_eq!(placed.fulfilment, Fulfilment::Started { at: samples::at().plus_ms(42) });
    store.insert(&placed).await.unwrap();
    assert_eq!(read(store, "suite-fields").await.order, Some(placed.clone()));

    let voided = [samples::stored(samples::voided(&payments[0].payment))];
    let held = placed.settled(Evidence::copies(&voided), samples::at().plus_ms(99)).unwrap();
    assert_eq!(store.replace(&held, 1).await.unwrap(), Replaced::Done);
    assert_eq!(read(store, "suite-fields").await.order, Some(held));

    let remote = vec![samples::captured(&samples::authorized("pay_asked", samples::euros(2)), 2, 1)];
    let remote = LookedUp { payments: remote, has_more: false };
    let evidence = Evidence { lookup: Some(&remote), ..Evidence::copies(&[]) };
    let placed = Order::place(samples::request("suite-asked", samples::euros(1)), evidence, samples::at());
    assert_eq!(placed.decision.based_on[0].covers_minor, 1);
    store.insert(&placed).await.unwrap();
    assert_eq!(read(store, "suite-asked").await.order, Some(placed));
}

async fn every_field_of_a_payment_round_trips<S: PaymentCopies + OrderQueries>(store: &S) {
    let order_id: payment_events::OrderId = "suite-payments".parse().unwrap();
    let base = samples::authorized("pay_1", samples::euros(i64::MAX));
    let payments = [
        base.clone(),
        PaymentInfo { payment_id: "pay_2".parse().unwrap(), ..samples::captured(&base, 900, 300) },
        samples::declined("pay_3", samples::euros(1)),
        PaymentInfo { payment_id: "pay_4".parse().unwrap(), version: u64::MAX, ..samples::voided(&base) },
    ];
    let payments = payments.map(|payment| samples::stored(PaymentInfo { order_id: order_id.clone(), ..payment }));
    for payment in payments.iter().rev() {
        assert_eq!(store.put_if_newer(payment).await.unwrap(), Stored::Newer);
    }
    assert_eq!(read(store, "suite-payments").await, paid_by(payments.to_vec()));
}

async fn only_a_newer_version_is_stored<S: PaymentCopies + OrderQueries>(store: &S) {
    let version = |version| payment("suite-versions", "pay_1", version);
    for (arriving, expected, then) in [
        (2, Stored::Newer, 2),
        (1, Stored::Stale, 2),
        (2, Stored::Stale, 2),
        // Compared as numbers, not as text.
        (10, Stored::Newer, 10),
        (9, Stored::Stale, 10),
        (u64::MAX, Stored::Newer, u64::MAX),
        (u64::MAX - 1, Stored::Stale, u64::MAX),
    ] {
        let late = PaymentCopy { received_at: samples::at().plus_ms(arriving % 1_000), ..version(arriving) };
        let before = read(store, "suite-versions").await.payments;
        assert_eq!(store.put_if_newer(&late).await.unwrap(), expected, "version {arriving}");
        let after = read(store, "suite-versions").await.payments;
        assert_eq!(after[0].payment.version, then);
        assert_eq!(after == before, expected == Stored::Stale, "a stale version changes nothing");
    }
}

async fn payments_may_arrive_before_their_order<S: OrderStore + OrderQueries + PaymentCopies>(store: &S) {
    let (order, payment) = (order("suite-early"), payment("suite-early", "pay_1", 1));
    store.put_if_newer(&payment).await.unwrap();
    assert_eq!(store.insert(&order).await.unwrap(), Inserted::New);
    let view = OrderView { order: Some(order), ..paid_by(vec![payment]) };
    assert_eq!(read(store, "suite-early").await, view);
}

async fn orders_are_isolated_from_each_other<S: OrderStore + OrderQueries + PaymentCopies>(store: &S) {
    let first = payment("suite-mix", "pay_1", 5);
    store.put_if_newer(&first).await.unwrap();
    assert_eq!(store.put_if_newer(&payment("suite-mix-2", "pay_1", 1)).await.unwrap(), Stored::Newer);
    store.insert(&order("suite-mix-2")).await.unwrap();
    assert_eq!(read(store, "suite-mix").await, paid_by(vec![first]));
}

async fn a_long_list_of_payments_is_read_completely<S: OrderQueries + PaymentCopies>(store: &S) {
    // Messages of this length make the list exceed one page of any store, which exercises paging.
    let (count, message_bytes) = (130, 10_000);
    let mut expected = Vec::new();
    for n in 0..count {
        let mut declined = samples::declined(&format!("pay_{n:03}"), samples::euros(1));
        declined.order_id = "suite-long".parse().unwrap();
        declined.decline.as_mut().unwrap().message = "x".repeat(message_bytes);
        let copy = samples::stored(declined);
        store.put_if_newer(&copy).await.unwrap();
        expected.push(copy);
    }
    assert!(read(store, "suite-long").await.payments == expected, "some payments are missing or changed");
    let payments = store.payments(&"suite-long".parse().unwrap()).await.unwrap();
    assert!(payments == paid_by(expected), "some payments are missing or changed");
}

async fn more_payments_than_settlement_considers_are_cut_and_said_to_be<S>(store: &S)
where
    S: OrderStore + OrderQueries + PaymentCopies,
{
    let order_id = &"suite-many".parse().unwrap();
    store.insert(&order("suite-many")).await.unwrap();
    for n in 0..PAYMENTS_MAX {
        store.put_if_newer(&payment("suite-many", &format!("pay_{n:04}"), 1)).await.unwrap();
    }
    for view in [store.read(order_id).await.unwrap(), store.payments(order_id).await.unwrap()] {
        assert_eq!((view.payments.len(), view.incomplete), (PAYMENTS_MAX, None));
    }
    store.put_if_newer(&payment("suite-many", "pay_z", 1)).await.unwrap();
    for view in [store.read(order_id).await.unwrap(), store.payments(order_id).await.unwrap()] {
        assert_eq!((view.payments.len(), view.incomplete), (PAYMENTS_MAX, Some(Incomplete::TooMany)));
    }
}

async fn payments_are_listed_in_pages<S: OrderStore + PaymentPages + PaymentCopies>(store: &S) {
    let order_id = &"suite-pages".parse().unwrap();
    let page = async |after: Option<&str>, limit| store.page(order_id, after, limit).await.unwrap();
    assert_eq!(page(None, 1).await, PaymentsPage::default());
    store.insert(&order("suite-pages")).await.unwrap();
    store.put_if_newer(&payment("suite-pages-2", "pay_500", 1)).await.unwrap();
    let mut expected = Vec::new();
    for n in 0..60 {
        let copy = payment("suite-pages", &format!("pay_{:03}", 10 * n), 1);
        store.put_if_newer(&copy).await.unwrap();
        expected.push(copy);
    }
    for (limit, sizes) in [(100, &[60][..]), (60, &[60]), (59, &[59, 1]), (30, &[30, 30]), (25, &[25, 25, 10])] {
        let (mut found, mut after, mut found_sizes) = (Vec::new(), None, Vec::new());
        loop {
            let PaymentsPage { payments, unreadable: 0, next_after } = page(after.as_deref(), limit).await else {
                panic!("every payment can be decoded");
            };
            found_sizes.push(payments.len());
            found.extend(payments);
            let Some(next) = next_after else { break };
            after = Some(next);
        }
        assert_eq!((found_sizes.as_slice(), &found), (sizes, &expected), "pages of {limit}");
    }
    // Payments that arrive between two pages neither repeat nor hide an older one.
    let first = page(None, 30).await;
    for n in [5, 295, 305, 595] {
        store.put_if_newer(&payment("suite-pages", &format!("pay_{n:03}"), 1)).await.unwrap();
    }
    let rest = page(first.next_after.as_deref(), 100).await;
    let ids = first.payments.iter().chain(&rest.payments).map(|copy| copy.payment.payment_id.to_string());
    let mut wanted: Vec<_> = (0..60).map(|n| 10 * n).chain([295, 305, 595]).collect();
    wanted.sort_unstable();
    assert_eq!(ids.collect::<Vec<_>>(), wanted.iter().map(|n| format!("pay_{n:03}")).collect::<Vec<_>>());
    assert_eq!(page(Some("pay_595"), 1).await, PaymentsPage::default(), "after the last one");
}
