//! Placing orders in synchronous mode: a payment returned by the Payments API counts before its event arrives, and
//! never overrides a newer event.

use std::sync::Arc;

use crate::interleaved::{Interleaved, place_order, project};
use orders::testing::samples::{authorized, captured, declined, euros, request, stored, voided};
use orders::testing::{Calls, MemoryOrders, MemoryPayments};
use orders::{
    Decision, FindOrder, Fulfilment, Order, OrderQueries, OrderStatus, OrderStore, PAYMENTS_MAX, PaymentCopies,
    PaymentRead, PlaceError, PlaceOrder, Placed, Placement, Settle,
};
use payment_events::PaymentInfo;

#[derive(Default)]
struct World {
    store: Arc<MemoryOrders>,
    payments: Arc<MemoryPayments>,
}

impl World {
    async fn place(&self) -> Placed {
        self.synchronous(self.store.clone()).place(request("ord-1", euros(1_000))).await.unwrap()
    }

    fn synchronous<S: OrderStore + OrderQueries + 'static>(&self, store: Arc<S>) -> PlaceOrder {
        place_order(store).asking(self.payments.clone())
    }

    async fn project(&self, payment: PaymentInfo) {
        project(self.store.clone()).project(vec![payment]).await.unwrap();
    }

    /// Reads the order through the use case, which settles it first.
    async fn find(&self) -> Order {
        let settle = Settle::new(self.store.clone(), self.store.clone());
        let find = FindOrder::new(self.store.clone(), settle);
        find.find(&"ord-1".parse().unwrap()).await.unwrap().unwrap().order
    }
}

fn held() -> PaymentInfo {
    authorized("pay_1", euros(1_000))
}

#[tokio::test]
async fn an_order_is_accepted_on_a_payment_that_has_not_arrived_with_one_lookup_one_write_and_one_read() {
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
async fn an_order_stays_accepted_while_its_payment_has_not_arrived() {
    let world = World::default();
    world.payments.becomes(held());
    let placed = world.place().await.order;
    assert_eq!(world.find().await, placed, "the payment has not arrived yet");
    // Another payment, which does not cover the order, arrives first.
    world.project(declined("pay_2", euros(1_000))).await;
    assert_eq!(world.find().await, placed);
    world.project(held()).await;
    assert_eq!(world.find().await, placed);
}

#[tokio::test]
async fn a_newer_event_overrides_the_looked_up_version() {
    for uncovering in [voided(&held()), captured(&held(), 1_000, 1)] {
        let world = World::default();
        world.payments.becomes(held());
        let placed = world.place().await.order;
        // The newest version arrives first.
        world.project(uncovering).await;
        let order = world.find().await;
        assert_eq!((order.status, order.fulfilment), (OrderStatus::OnHold, placed.fulfilment));
        assert_eq!(order.decision.read, PaymentRead::Local);
        world.project(held()).await;
        assert_eq!(world.find().await.status, OrderStatus::OnHold);
    }
}

#[tokio::test]
async fn an_event_older_than_the_looked_up_version_does_not_count() {
    let world = World::default();
    world.payments.becomes(voided(&held()));
    assert_eq!(world.place().await.order.status, OrderStatus::AwaitingPayment);
    world.project(held()).await;
    assert_eq!(world.find().await.status, OrderStatus::AwaitingPayment, "the lookup returned a void");
    world.project(voided(&held())).await;
    assert_eq!(world.find().await.status, OrderStatus::AwaitingPayment);
}

#[tokio::test]
async fn looked_up_and_projected_payments_cover_an_order_together() {
    let world = World::default();
    world.payments.becomes(authorized("pay_1", euros(400)));
    assert_eq!(world.place().await.order.status, OrderStatus::AwaitingPayment);
    world.project(authorized("pay_2", euros(600))).await;
    let order = world.find().await;
    assert_eq!((order.status, order.decision.based_on.len()), (OrderStatus::Accepted, 2));
}

#[tokio::test]
async fn a_waiting_order_is_settled_when_its_payment_arrives() {
    let world = World::default();
    let placed = world.place().await.order;
    assert_eq!((placed.status, placed.decision.read), (OrderStatus::AwaitingPayment, PaymentRead::Remote));
    world.project(held()).await;
    assert_eq!(world.store.order("ord-1").unwrap().status, OrderStatus::Accepted);
}

#[tokio::test]
async fn a_request_repeated_in_the_other_mode_returns_the_same_order_settled_with_the_looked_up_payments() {
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
    let other = world.synchronous(world.store.clone()).place(request("ord-1", euros(999))).await;
    assert!(matches!(other, Err(PlaceError::Conflict { .. })));
}

#[tokio::test]
async fn nothing_is_read_or_written_while_payments_is_down() {
    let world = World::default();
    world.payments.is_down(true);
    let failed = world.synchronous(world.store.clone()).place(request("ord-1", euros(1_000))).await;
    assert!(matches!(failed, Err(PlaceError::Lookup(ref error)) if error.retry_after_s == 7), "{failed:?}");
    assert_eq!(world.store.take_calls(), Calls::default());
    world.payments.is_down(false);
    world.payments.becomes(held());
    assert_eq!(world.place().await.placement, Placement::New, "the failed request stored nothing");
}

#[tokio::test]
async fn a_payment_that_arrives_between_the_lookup_and_the_write_is_seen() {
    let world = World::default();
    let store = Interleaved::with_payments([vec![held()]]);
    let placed = world.synchronous(store.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    assert_eq!(placed.order.status, OrderStatus::Accepted);
    assert_eq!(store.inner.order("ord-1"), Some(placed.order));
}

#[tokio::test]
async fn a_void_that_arrives_between_the_lookup_and_the_write_does_not_leave_the_order_accepted() {
    let world = World::default();
    world.payments.becomes(held());
    let store = Interleaved::with_payments([vec![voided(&held())]]);
    let placed = world.synchronous(store.clone()).place(request("ord-1", euros(1_000))).await.unwrap();
    assert_eq!(placed.order.status, OrderStatus::OnHold);
}

#[tokio::test]
async fn a_decision_remembers_every_payment_that_the_read_model_does_not_have() {
    let world = World::default();
    let count = Decision::BASED_ON_MAX + 20;
    let cents: Vec<_> = (0..count).map(|number| authorized(&format!("pay_{number:03}"), euros(1))).collect();
    for cent in &cents {
        world.payments.becomes(cent.clone());
    }
    let cost = i64::try_from(count).unwrap();
    let placed = world.synchronous(world.store.clone()).place(request("ord-1", euros(cost))).await.unwrap().order;
    assert_eq!((placed.status, placed.decision.based_on.len()), (OrderStatus::Accepted, count));
    assert_eq!(world.find().await, placed, "no event has arrived, and nothing was voided");
    for cent in &cents {
        world.store.put_if_newer(&stored(cent.clone())).await.unwrap();
        assert_eq!(world.find().await.status, OrderStatus::Accepted);
    }
    world.store.put_if_newer(&stored(voided(&cents[7]))).await.unwrap();
    let held = world.find().await;
    assert_eq!(held.status, OrderStatus::OnHold);
    let decision = held.decision;
    assert_eq!((decision.payments, decision.based_on.len()), (count, Decision::BASED_ON_MAX), "all have arrived");
}

#[tokio::test]
async fn more_payments_than_settlement_considers_keep_the_status_until_all_have_arrived() {
    let world = World::default();
    let count = PAYMENTS_MAX + 1;
    for number in 0..count {
        world.payments.becomes(authorized(&format!("pay_{number:04}"), euros(1)));
    }
    let cost = i64::try_from(PAYMENTS_MAX).unwrap();
    let placed = world.synchronous(world.store.clone()).place(request("ord-1", euros(cost))).await.unwrap().order;
    assert_eq!((placed.status, placed.decision.is_complete), (OrderStatus::Accepted, false));
    let found = world.find().await;
    assert_eq!((found.status, found.decision.is_complete), (OrderStatus::Accepted, false));
}

#[tokio::test]
async fn an_order_that_the_payments_looked_up_do_not_cover_keeps_its_status_if_there_are_more() {
    let world = World::default();
    let cost = i64::try_from(PAYMENTS_MAX + 1).unwrap();
    world.payments.becomes(authorized("pay_0", euros(cost)));
    let place = world.synchronous(world.store.clone());
    let place = async || place.place(request("ord-1", euros(cost))).await.unwrap().order;
    assert_eq!(place().await.status, OrderStatus::Accepted);
    // The payment that covered the order is void, and only a part of the others is looked up.
    world.payments.becomes(voided(&authorized("pay_0", euros(cost))));
    for number in 0..=PAYMENTS_MAX {
        world.payments.becomes(authorized(&format!("pay_{number:04}"), euros(1)));
    }
    let placed = place().await;
    assert_eq!(placed.status, OrderStatus::Accepted, "payments that were left out may cover it");
}
