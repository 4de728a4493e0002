//! Placing and settling of orders, with payments that arrive before, after and between.
#![allow(missing_docs, clippy::unwrap_used)]

mod asking;
mod interleaved;

use std::sync::Arc;

use interleaved::{Interleaved, place_order, project};
use orders::testing::samples::{at, authorized, captured, declined, euros, request, stored, voided};
use orders::testing::{Calls, MemoryOrders};
use orders::{
    Evidence, FindOrder, Fulfilment, Order, OrderRequest, OrderStatus, PaymentCopies, PlaceError, Placement,
    Projection, Settle, SettleError,
};
use payment_events::{Money, PaymentInfo};

#[derive(Default)]
struct World {
    store: Arc<MemoryOrders>,
}

impl World {
    async fn place(&self) -> orders::Placed {
        self.try_place(request("ord-1", euros(1_000))).await.unwrap()
    }

    async fn try_place(&self, request: OrderRequest) -> Result<orders::Placed, PlaceError> {
        place_order(self.store.clone()).place(request).await
    }

    async fn project(&self, payments: &[PaymentInfo]) -> Vec<Projection> {
        project(self.store.clone()).project(payments.to_vec()).await.unwrap()
    }

    fn order(&self) -> Order {
        self.store.order("ord-1").unwrap()
    }
}

fn pay(payment_id: &str, minor: i64) -> PaymentInfo {
    authorized(payment_id, euros(minor))
}

#[tokio::test]
async fn an_order_placed_after_its_payment_is_accepted_with_one_write_and_two_reads() {
    let world = World::default();
    world.project(&[pay("pay_1", 1_000)]).await;
    world.store.take_calls();
    let placed = world.place().await;
    assert_eq!(placed.placement, Placement::New);
    assert_eq!(placed.order.status, OrderStatus::Accepted);
    assert!(matches!(placed.order.fulfilment, Fulfilment::Started { .. }));
    assert_eq!(placed.order.decision.based_on.len(), 1);
    assert_eq!(world.store.take_calls(), Calls { looks: 0, reads: 2, order_writes: 1, payment_writes: 0 });
    assert_eq!(world.order(), placed.order);
}

#[tokio::test]
async fn an_order_placed_before_its_payment_waits_and_is_accepted_when_it_arrives() {
    let world = World::default();
    assert_eq!(world.place().await.order.status, OrderStatus::AwaitingPayment);
    world.store.take_calls();
    let projected = world.project(&[pay("pay_1", 1_000)]).await;
    assert!(matches!(projected[..], [Projection::Newer { .. }]));
    assert_eq!((world.order().status, world.order().revision), (OrderStatus::Accepted, 2));
    assert_eq!(world.store.take_calls(), Calls { looks: 1, reads: 2, order_writes: 1, payment_writes: 1 });
}

#[tokio::test]
async fn two_payments_may_cover_one_order() {
    let world = World::default();
    world.place().await;
    world.project(&[pay("pay_1", 400)]).await;
    assert_eq!(world.order().status, OrderStatus::AwaitingPayment);
    world.project(&[pay("pay_2", 600)]).await;
    assert_eq!(world.order().status, OrderStatus::Accepted);
    assert_eq!(world.order().decision.based_on.len(), 2);
}

#[tokio::test]
async fn a_payment_that_does_not_cover_the_order_leaves_it_waiting_and_is_shown() {
    let dollars = Money::new(1_000, "USD".parse().unwrap()).unwrap();
    let cases = [declined("pay_1", euros(1_000)), authorized("pay_1", dollars), pay("pay_1", 999)];
    for payment in cases {
        let world = World::default();
        world.project(std::slice::from_ref(&payment)).await;
        let order = world.place().await.order;
        assert_eq!((order.status, order.fulfilment), (OrderStatus::AwaitingPayment, Fulfilment::NotStarted));
        assert_eq!(order.decision.based_on[0].status, payment.status);
        world.store.take_calls();
        world.project(&[payment]).await;
        assert_eq!(world.store.take_calls().order_writes, 0, "an unchanged status is not written");
    }
}

#[tokio::test]
async fn a_void_or_refund_puts_an_accepted_order_on_hold_until_another_payment_covers_it() {
    let held = pay("pay_1", 1_000);
    for uncovering in [voided(&held), captured(&held, 1_000, 1)] {
        let world = World::default();
        world.project(std::slice::from_ref(&held)).await;
        let accepted = world.place().await.order;
        world.project(&[uncovering]).await;
        assert_eq!((world.order().status, world.order().fulfilment), (OrderStatus::OnHold, accepted.fulfilment));
        world.project(&[pay("pay_2", 1_000)]).await;
        assert_eq!((world.order().status, world.order().fulfilment), (OrderStatus::Accepted, accepted.fulfilment));
    }
}

#[tokio::test]
async fn an_equal_request_returns_the_stored_order_and_a_different_one_conflicts() {
    let world = World::default();
    let first = world.place().await;
    let again = world.place().await;
    assert_eq!(again, orders::Placed { placement: Placement::Repeated, ..first.clone() });
    let base = request("ord-1", euros(1_000));
    let others = [
        OrderRequest { customer_id: "cust-8".parse().unwrap(), ..base.clone() },
        OrderRequest { lines: request("ord-1", euros(999)).lines, ..base },
    ];
    for other in others {
        assert!(matches!(world.try_place(other).await, Err(PlaceError::Conflict { .. })));
    }
    assert_eq!(world.order(), first.order);
}

#[tokio::test]
async fn a_repeated_request_settles_the_order() {
    let world = World::default();
    world.place().await;
    world.store.put_if_newer(&stored(pay("pay_1", 1_000))).await.unwrap();
    let again = world.place().await;
    assert_eq!((again.placement, again.order.status), (Placement::Repeated, OrderStatus::Accepted));
}

#[tokio::test]
async fn a_stale_payment_changes_nothing() {
    let world = World::default();
    let held = pay("pay_1", 1_000);
    world.project(&[voided(&held)]).await;
    let projected = world.project(&[held]).await;
    assert_eq!(projected, [Projection::Stale]);
    assert_eq!(world.place().await.order.status, OrderStatus::AwaitingPayment);
}

#[tokio::test]
async fn a_payment_redelivered_after_a_crash_still_settles_its_order() {
    let world = World::default();
    world.place().await;
    // The first delivery stored the payment and died before it settled the order.
    world.store.put_if_newer(&stored(pay("pay_1", 1_000))).await.unwrap();
    assert_eq!(world.order().status, OrderStatus::AwaitingPayment);
    let projected = world.project(&[pay("pay_1", 1_000)]).await;
    assert_eq!(projected, [Projection::Stale]);
    assert_eq!(world.order().status, OrderStatus::Accepted);
}

#[tokio::test]
async fn a_payment_without_an_order_costs_one_write_and_one_lookup() {
    let world = World::default();
    world.project(&[pay("pay_1", 1_000)]).await;
    assert_eq!(world.store.take_calls(), Calls { looks: 1, reads: 0, order_writes: 0, payment_writes: 1 });
}

#[tokio::test]
async fn an_order_left_unsettled_by_a_crash_is_settled_when_it_is_read() {
    let find = |world: &World| {
        let settle = Settle::new(world.store.clone(), world.store.clone());
        FindOrder::new(world.store.clone(), settle)
    };
    let (world, order_id) = (World::default(), "ord-1".parse().unwrap());
    assert_eq!(find(&world).find(&order_id).await.unwrap(), None);
    // The writer of the order had read before the payment arrived, and died before it settled the order.
    world.project(&[pay("pay_1", 1_000)]).await;
    world.store.seed(Order::place(request("ord-1", euros(1_000)), Evidence::copies(&[]), at()));
    let shown = find(&world).find(&order_id).await.unwrap().unwrap();
    assert_eq!(shown.order.status, OrderStatus::Accepted);
    assert_eq!(world.order(), shown.order);
    world.store.take_calls();
    assert_eq!(find(&world).find(&order_id).await.unwrap(), Some(shown));
    assert_eq!(world.store.take_calls(), Calls { reads: 1, ..Calls::default() }, "reading a settled order is one read");
}

#[tokio::test]
async fn a_failing_store_is_an_error_and_a_retry_settles_the_order() {
    let world = World::default();
    let order_id = "ord-1".parse().unwrap();
    world.place().await;
    world.store.fail_for(&order_id, true);
    let failed = project(world.store.clone()).project(vec![pay("pay_1", 1_000)]).await;
    assert!(matches!(failed, Err(SettleError::Store(_))));
    world.store.fail_for(&order_id, false);
    world.project(&[pay("pay_1", 1_000)]).await;
    assert_eq!(world.order().status, OrderStatus::Accepted);
}

#[tokio::test]
async fn a_payment_that_arrives_between_the_read_and_the_insert_is_seen() {
    let store = Interleaved::with_payments([vec![pay("pay_1", 1_000)]]);
    let placed = place_order(store.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    assert_eq!(placed.order.status, OrderStatus::Accepted);
    assert_eq!(store.inner.order("ord-1"), Some(placed.order));
}

#[tokio::test]
async fn a_void_that_arrives_between_the_read_and_the_insert_does_not_leave_the_order_accepted() {
    let held = pay("pay_1", 1_000);
    let store = Interleaved::with_payments([vec![voided(&held)]]);
    store.inner.put_if_newer(&stored(held)).await.unwrap();
    let placed = place_order(store.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    assert_eq!(placed.order.status, OrderStatus::OnHold);
    assert_eq!(store.inner.order("ord-1"), Some(placed.order));
}

#[tokio::test]
async fn a_void_that_arrives_while_its_payment_is_settled_does_not_leave_the_order_accepted() {
    let held = pay("pay_1", 1_000);
    // Another process stores the void before the settling write, and finds the order still waiting.
    let store = Interleaved::with_payments([vec![voided(&held)]]);
    place_order(store.inner.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    project(store.clone()).project(vec![held]).await.unwrap();
    assert_eq!(store.inner.order("ord-1").unwrap().status, OrderStatus::OnHold);
}

#[tokio::test]
async fn a_lost_write_is_retried_from_the_revision_of_the_winner() {
    let held = pay("pay_1", 1_000);
    // Another delivery of the same payment settles the order before the settling write.
    let store = Interleaved::with_payments([vec![held.clone()]]);
    place_order(store.inner.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    project(store.clone()).project(vec![held]).await.unwrap();
    let order = store.inner.order("ord-1").unwrap();
    assert_eq!((order.status, order.revision), (OrderStatus::Accepted, 2), "written once, by the winner");
}

#[tokio::test]
async fn a_write_lost_to_a_process_that_died_is_retried() {
    let waiting = Order::place(request("ord-1", euros(1_000)), Evidence::copies(&[]), at());
    // Before the settling write, a process that has not seen the payment writes the order and dies.
    let store = Interleaved::with_write(Order { revision: 2, ..waiting.clone() });
    store.inner.seed(waiting);
    project(store.clone()).project(vec![pay("pay_1", 1_000)]).await.unwrap();
    let order = store.inner.order("ord-1").unwrap();
    assert_eq!((order.status, order.revision), (OrderStatus::Accepted, 3));
}

#[tokio::test]
async fn an_order_placed_between_the_read_and_the_insert_is_repeated_or_conflicts() {
    let placed_before = |minor| Order::place(request("ord-1", euros(minor)), Evidence::copies(&[]), at());
    let same = Interleaved::with_write(placed_before(1_000));
    let placed = place_order(same).place(request("ord-1", euros(1_000))).await.unwrap();
    assert_eq!(placed.placement, Placement::Repeated);
    let other = Interleaved::with_write(placed_before(7));
    let conflict = place_order(other).place(request("ord-1", euros(1_000))).await;
    assert!(matches!(conflict, Err(PlaceError::Conflict { .. })));
}

#[tokio::test]
async fn settling_an_order_that_keeps_changing_is_an_error() {
    let held = pay("pay_1", 1_000);
    // Before each write, a payment event arrives that requires the opposite status.
    let flips = (2..100).map(|version| {
        let payment = if version % 2 == 0 { voided(&held) } else { held.clone() };
        vec![PaymentInfo { version, ..payment }]
    });
    let store = Interleaved::with_payments(flips);
    store.inner.put_if_newer(&stored(held)).await.unwrap();
    store.inner.seed(Order::place(request("ord-1", euros(1_000)), Evidence::copies(&[]), at()));
    store.inner.take_calls();
    let settle = Settle::new(store.clone(), store.clone());
    let contended = settle.settle(&"ord-1".parse().unwrap(), None).await;
    assert!(matches!(contended, Err(SettleError::Contended { .. })), "{contended:?}");
    assert_eq!(store.reads(), Settle::ROUNDS_MAX);
}
