//! Payments and their order, in whichever order they come.
#![allow(missing_docs, clippy::unwrap_used)]

mod asking;
mod interleaved;

use std::sync::Arc;

use interleaved::{Interleaved, place_order, project};
use orders::testing::samples::{at, authorized, captured, declined, euros, request, stored, voided};
use orders::testing::{Calls, MemoryOrders, Projected};
use orders::{
    Evidence, FindOrder, Fulfilment, Order, OrderRequest, OrderStatus, PaymentCopies, PlaceError, Placement, Settle,
    SettleError,
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

    async fn project(&self, payments: &[PaymentInfo]) -> Projected {
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
async fn payment_first_is_accepted_at_once_with_one_write_and_two_reads() {
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
async fn order_first_waits_and_is_accepted_when_its_payment_comes() {
    let world = World::default();
    assert_eq!(world.place().await.order.status, OrderStatus::AwaitingPayment);
    world.store.take_calls();
    let projected = world.project(&[pay("pay_1", 1_000)]).await;
    assert_eq!((projected.stored.len(), projected.stale), (1, 0));
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
async fn what_does_not_cover_leaves_the_order_waiting_and_is_shown() {
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
        assert_eq!(world.store.take_calls().order_writes, 0, "an order that stays what it is is not written");
    }
}

#[tokio::test]
async fn a_void_or_refund_after_acceptance_puts_the_order_on_hold_and_another_payment_takes_it_off() {
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
async fn the_same_order_again_is_the_stored_one_and_another_under_its_id_is_refused() {
    let world = World::default();
    let first = world.place().await;
    let again = world.place().await;
    assert_eq!(again, orders::Placed { placement: Placement::Repeated, order: first.order.clone() });
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
async fn the_same_order_again_settles_it() {
    let world = World::default();
    world.place().await;
    world.store.put_if_newer(&stored(pay("pay_1", 1_000))).await.unwrap();
    let again = world.place().await;
    assert_eq!((again.placement, again.order.status), (Placement::Repeated, OrderStatus::Accepted));
}

#[tokio::test]
async fn old_news_changes_nothing() {
    let world = World::default();
    let held = pay("pay_1", 1_000);
    world.project(&[voided(&held)]).await;
    let projected = world.project(&[held]).await;
    assert_eq!((projected.stored.len(), projected.stale), (0, 1));
    assert_eq!(world.place().await.order.status, OrderStatus::AwaitingPayment);
}

#[tokio::test]
async fn a_payment_delivered_again_after_a_crash_still_settles_its_order() {
    let world = World::default();
    world.place().await;
    // The first delivery stored the payment and ended before it settled.
    world.store.put_if_newer(&stored(pay("pay_1", 1_000))).await.unwrap();
    assert_eq!(world.order().status, OrderStatus::AwaitingPayment);
    let projected = world.project(&[pay("pay_1", 1_000)]).await;
    assert_eq!((projected.stored.len(), projected.stale), (0, 1));
    assert_eq!(world.order().status, OrderStatus::Accepted);
}

#[tokio::test]
async fn a_payment_without_an_order_costs_one_write_and_one_look() {
    let world = World::default();
    world.project(&[pay("pay_1", 1_000)]).await;
    assert_eq!(world.store.take_calls(), Calls { looks: 1, reads: 0, order_writes: 0, payment_writes: 1 });
}

#[tokio::test]
async fn an_order_that_nobody_looked_at_again_is_settled_when_it_is_shown() {
    let find = |world: &World| {
        let settle = Settle::new(world.store.clone(), world.store.clone());
        FindOrder::new(world.store.clone(), settle)
    };
    let (world, order_id) = (World::default(), "ord-1".parse().unwrap());
    assert_eq!(find(&world).find(&order_id).await.unwrap(), None);
    // Whoever stored it read before the payment came, and ended before it looked again.
    world.project(&[pay("pay_1", 1_000)]).await;
    world.store.seed(Order::place(request("ord-1", euros(1_000)), Evidence::copies(&[]), at()));
    let shown = find(&world).find(&order_id).await.unwrap().unwrap();
    assert_eq!(shown.status, OrderStatus::Accepted);
    assert_eq!(world.order(), shown);
    world.store.take_calls();
    assert_eq!(find(&world).find(&order_id).await.unwrap(), Some(shown));
    assert_eq!(world.store.take_calls(), Calls { reads: 1, ..Calls::default() }, "to show it is one read");
}

#[tokio::test]
async fn a_store_that_fails_is_an_error_and_the_retry_finishes() {
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
async fn a_payment_that_comes_between_the_look_and_the_insert_is_seen() {
    let store = Interleaved::with_payments([vec![pay("pay_1", 1_000)]]);
    let placed = place_order(store.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    assert_eq!(placed.order.status, OrderStatus::Accepted);
    assert_eq!(store.inner.order("ord-1"), Some(placed.order));
}

#[tokio::test]
async fn a_void_that_comes_between_the_look_and_the_insert_does_not_leave_the_order_accepted() {
    let held = pay("pay_1", 1_000);
    let store = Interleaved::with_payments([vec![voided(&held)]]);
    store.inner.put_if_newer(&stored(held)).await.unwrap();
    let placed = place_order(store.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    assert_eq!(placed.order.status, OrderStatus::OnHold);
    assert_eq!(store.inner.order("ord-1"), Some(placed.order));
}

#[tokio::test]
async fn a_void_that_comes_while_its_payment_is_settled_does_not_leave_the_order_accepted() {
    let held = pay("pay_1", 1_000);
    // Before the settling write, the void is stored, and whoever stored it finds the order still waiting.
    let store = Interleaved::with_payments([vec![voided(&held)]]);
    place_order(store.inner.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    project(store.clone()).project(vec![held]).await.unwrap();
    assert_eq!(store.inner.order("ord-1").unwrap().status, OrderStatus::OnHold);
}

#[tokio::test]
async fn a_write_that_lost_its_race_is_made_anew_from_what_the_winner_left() {
    let held = pay("pay_1", 1_000);
    // Before the settling write, another delivery of the same payment settles the order.
    let store = Interleaved::with_payments([vec![held.clone()]]);
    place_order(store.inner.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    project(store.clone()).project(vec![held]).await.unwrap();
    let order = store.inner.order("ord-1").unwrap();
    assert_eq!((order.status, order.revision), (OrderStatus::Accepted, 2), "written once, by the winner");
}

#[tokio::test]
async fn a_write_that_lost_against_one_that_nobody_looked_at_again_is_made_anew() {
    let waiting = Order::place(request("ord-1", euros(1_000)), Evidence::copies(&[]), at());
    // Before the settling write, another one that knows less takes effect, and its writer ends.
    let store = Interleaved::with_write(Order { revision: 2, ..waiting.clone() });
    store.inner.seed(waiting);
    project(store.clone()).project(vec![pay("pay_1", 1_000)]).await.unwrap();
    let order = store.inner.order("ord-1").unwrap();
    assert_eq!((order.status, order.revision), (OrderStatus::Accepted, 3));
}

#[tokio::test]
async fn an_order_that_was_placed_between_the_look_and_the_insert_is_met() {
    let placed_before = |minor| Order::place(request("ord-1", euros(minor)), Evidence::copies(&[]), at());
    let same = Interleaved::with_write(placed_before(1_000));
    let placed = place_order(same).place(request("ord-1", euros(1_000))).await.unwrap();
    assert_eq!(placed.placement, Placement::Repeated);
    let other = Interleaved::with_write(placed_before(7));
    let refused = place_order(other).place(request("ord-1", euros(1_000))).await;
    assert!(matches!(refused, Err(PlaceError::Conflict { .. })));
}

#[tokio::test]
async fn an_order_that_never_comes_to_rest_is_given_up_on_for_now() {
    let held = pay("pay_1", 1_000);
    // Whatever the order is about to become, a payment event that makes it the opposite comes first.
    let flips = (2..100).map(|version| {
        let payment = if version % 2 == 0 { voided(&held) } else { held.clone() };
        vec![PaymentInfo { version, ..payment }]
    });
    let store = Interleaved::with_payments(flips);
    store.inner.put_if_newer(&stored(held)).await.unwrap();
    store.inner.seed(Order::place(request("ord-1", euros(1_000)), Evidence::copies(&[]), at()));
    store.inner.take_calls();
    let settle = Settle::new(store.clone(), store.clone());
    let restless = settle.settle(&"ord-1".parse().unwrap(), None).await;
    assert!(matches!(restless, Err(SettleError::Contended { .. })), "{restless:?}");
    assert_eq!(store.reads(), Settle::ROUNDS_MAX);
}
