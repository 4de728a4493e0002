//! Placing an order by asking Payments: what is asked counts before it has arrived, and never against what arrives later.

use std::sync::Arc;

use crate::interleaved::{Interleaved, place_order, project};
use orders::testing::samples::{authorized, captured, declined, euros, request, stored, voided};
use orders::testing::{Calls, MemoryOrders, MemoryPayments};
use orders::{
    Decision, FindOrder, Fulfilment, Order, OrderQueries, OrderStatus, OrderStore, PaymentCopies, PaymentRead,
    PlaceError, PlaceOrder, Placed, Placement, Settle,
};
use payment_events::PaymentInfo;

#[derive(Default)]
struct World {
    store: Arc<MemoryOrders>,
    payments: Arc<MemoryPayments>,
}

impl World {
    async fn place(&self) -> Placed {
        self.asking(self.store.clone()).place(request("ord-1", euros(1_000))).await.unwrap()
    }

    fn asking<S: OrderStore + OrderQueries + 'static>(&self, store: Arc<S>) -> PlaceOrder {
        place_order(store).asking(self.payments.clone())
    }

    async fn arrives(&self, payment: PaymentInfo) {
        project(self.store.clone()).project(vec![payment]).await.unwrap();
    }

    /// As whoever looks is shown it, which settles it where it is not in line.
    async fn shown(&self) -> Order {
        let settle = Settle::new(self.store.clone(), self.store.clone());
        let find = FindOrder::new(self.store.clone(), settle);
        find.find(&"ord-1".parse().unwrap()).await.unwrap().unwrap()
    }
}

fn held() -> PaymentInfo {
    authorized("pay_1", euros(1_000))
}

#[tokio::test]
async fn a_payment_that_has_not_arrived_is_accepted_on_with_one_question_one_write_and_one_read() {
    let world = World::default();
    world.payments.becomes(held());
    let placed = world.place().await;
    assert_eq!((placed.placement, placed.order.status), (Placement::New, OrderStatus::Accepted));
    assert!(matches!(placed.order.fulfilment, Fulfilment::Started { .. }));
    assert_eq!((placed.order.decision.read, placed.order.decision.based_on.len()), (PaymentRead::Remote, 1));
    assert_eq!(world.store.take_calls(), Calls { looks: 0, reads: 1, order_writes: 1, payment_writes: 0 });
    assert_eq!((world.payments.take_asked(), world.store.order("ord-1")), (1, Some(placed.order)));
}

#[tokio::test]
async fn what_has_not_arrived_is_held_against_nobody() {
    let world = World::default();
    world.payments.becomes(held());
    let placed = world.place().await.order;
    assert_eq!(world.shown().await, placed, "no copy is there yet");
    // Another payment comes first, and does not cover the order.
    world.arrives(declined("pay_2", euros(1_000))).await;
    assert_eq!(world.shown().await, placed);
    world.arrives(held()).await;
    assert_eq!(world.shown().await, placed);
}

#[tokio::test]
async fn what_arrives_and_is_newer_counts_instead() {
    for uncovering in [voided(&held()), captured(&held(), 1_000, 1)] {
        let world = World::default();
        world.payments.becomes(held());
        let placed = world.place().await.order;
        // The first version is never seen: the newest comes first.
        world.arrives(uncovering).await;
        let order = world.shown().await;
        assert_eq!((order.status, order.fulfilment), (OrderStatus::OnHold, placed.fulfilment));
        assert_eq!(order.decision.read, PaymentRead::Local);
        world.arrives(held()).await;
        assert_eq!(world.shown().await.status, OrderStatus::OnHold);
    }
}

#[tokio::test]
async fn what_arrives_and_is_older_than_what_was_asked_counts_no_more() {
    let world = World::default();
    world.payments.becomes(voided(&held()));
    assert_eq!(world.place().await.order.status, OrderStatus::AwaitingPayment);
    world.arrives(held()).await;
    assert_eq!(world.shown().await.status, OrderStatus::AwaitingPayment, "it is voided, and Orders knows");
    world.arrives(voided(&held())).await;
    assert_eq!(world.shown().await.status, OrderStatus::AwaitingPayment);
}

#[tokio::test]
async fn what_was_asked_and_what_arrived_cover_an_order_together() {
    let world = World::default();
    world.payments.becomes(authorized("pay_1", euros(400)));
    assert_eq!(world.place().await.order.status, OrderStatus::AwaitingPayment);
    world.arrives(authorized("pay_2", euros(600))).await;
    let order = world.shown().await;
    assert_eq!((order.status, order.decision.based_on.len()), (OrderStatus::Accepted, 2));
}

#[tokio::test]
async fn an_order_that_waits_is_settled_when_its_payment_arrives() {
    let world = World::default();
    let placed = world.place().await.order;
    assert_eq!((placed.status, placed.decision.read), (OrderStatus::AwaitingPayment, PaymentRead::Remote));
    world.arrives(held()).await;
    assert_eq!(world.store.order("ord-1").unwrap().status, OrderStatus::Accepted);
}

#[tokio::test]
async fn the_same_order_again_is_the_same_order_whichever_way_it_was_placed_and_what_is_asked_is_news_to_it() {
    let world = World::default();
    let local = place_order(world.store.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    assert_eq!(local.order.status, OrderStatus::AwaitingPayment);
    world.payments.becomes(held());
    let again = world.place().await;
    assert_eq!(
        (again.placement, again.order.status, again.order.revision),
        (Placement::Repeated, OrderStatus::Accepted, 2)
    );
    assert_eq!(again.order.decision.read, PaymentRead::Remote);
    let local = place_order(world.store.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    assert_eq!(local, again);
    let other = world.asking(world.store.clone()).place(request("ord-1", euros(999))).await;
    assert!(matches!(other, Err(PlaceError::Conflict { .. })));
}

#[tokio::test]
async fn while_payments_cannot_be_asked_nothing_is_read_or_written() {
    let world = World::default();
    world.payments.is_down(true);
    let refused = world.asking(world.store.clone()).place(request("ord-1", euros(1_000))).await;
    assert!(matches!(refused, Err(PlaceError::Lookup(ref error)) if error.retry_after_s == 7), "{refused:?}");
    assert_eq!(world.store.take_calls(), Calls::default());
    world.payments.is_down(false);
    world.payments.becomes(held());
    assert_eq!(world.place().await.placement, Placement::New, "nothing was left behind");
}

#[tokio::test]
async fn a_payment_that_arrives_between_the_question_and_the_write_is_seen() {
    let world = World::default();
    let store = Interleaved::with_payments([vec![held()]]);
    let placed = world.asking(store.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    assert_eq!(placed.order.status, OrderStatus::Accepted);
    assert_eq!(store.inner.order("ord-1"), Some(placed.order));
}

#[tokio::test]
async fn a_void_that_arrives_between_the_question_and_the_write_does_not_leave_the_order_accepted() {
    let world = World::default();
    world.payments.becomes(held());
    let store = Interleaved::with_payments([vec![voided(&held())]]);
    let placed = world.asking(store.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    assert_eq!(placed.order.status, OrderStatus::OnHold);
}

#[tokio::test]
async fn of_more_payments_than_a_decision_names_those_that_count_are_kept() {
    let world = World::default();
    for number in 0..Decision::BASED_ON_MAX + 20 {
        world.payments.becomes(declined(&format!("pay_{number:03}"), euros(1_000)));
    }
    world.payments.becomes(authorized("pay_zzz", euros(1_000)));
    let placed = world.place().await.order;
    assert_eq!((placed.status, placed.decision.based_on.len()), (OrderStatus::Accepted, Decision::BASED_ON_MAX));
    assert_eq!(world.shown().await, placed);
    // A copy of one that is not named changes nothing about it.
    world.store.put_if_newer(&stored(declined("pay_119", euros(1_000)))).await.unwrap();
    assert_eq!(world.shown().await.status, OrderStatus::Accepted);
}
