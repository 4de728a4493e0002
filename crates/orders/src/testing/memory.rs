//! In-memory orders table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use payment_events::{OrderId, PaymentId};

use crate::{
    Incomplete, Inserted, Order, OrderQueries, OrderStore, OrderView, PAYMENTS_MAX, PaymentCopies, PaymentCopy,
    PaymentPages, PaymentsPage, PlacedOrders, Replaced, StoreError, Stored,
};

/// Orders and their payments in memory. Counts calls and can be set to fail for an order.
#[derive(Debug, Default)]
pub struct MemoryOrders {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    orders: BTreeMap<OrderId, Order>,
    payments: BTreeMap<(OrderId, PaymentId), PaymentCopy>,
    failing: BTreeSet<OrderId>,
    calls: Calls,
}

/// Number of calls per kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// Calls of [`OrderQueries::placed`], whatever the number of ids.
    pub looks: u32,
    /// Calls of [`OrderQueries::read`], [`OrderQueries::payments`] and [`PaymentPages::page`].
    pub reads: u32,
    /// Attempts to write an order.
    pub order_writes: u32,
    /// Attempts to write a payment to the read model.
    pub payment_writes: u32,
}

impl MemoryOrders {
    /// Returns the stored order.
    pub fn order(&self, order_id: &str) -> Option<Order> {
        self.state().orders.values().find(|order| order.order_id.as_str() == order_id).cloned()
    }

    /// Stores an order unconditionally.
    pub fn seed(&self, order: Order) {
        self.state().orders.insert(order.order_id.clone(), order);
    }

    /// Makes every call for this order fail from now on, or ends that.
    pub fn fail_for(&self, order_id: &OrderId, failing: bool) {
        let mut state = self.state();
        if failing {
            state.failing.insert(order_id.clone())
        } else {
            state.failing.remove(order_id)
        };
    }

    /// Returns the calls since the last `take_calls`.
    pub fn take_calls(&self) -> Calls {
        std::mem::take(&mut self.state().calls)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self, order_id: &OrderId, count: impl FnOnce(&mut Calls)) -> Result<MutexGuard<'_, State>, StoreError> {
        let mut state = self.state();
        count(&mut state.calls);
        if state.failing.contains(order_id) {
            return Err(failure(order_id));
        }
        Ok(state)
    }
}

impl State {
    fn payments_of(&self, order_id: &OrderId) -> OrderView {
        let payments = self.payments.values().filter(|stored| stored.payment.order_id == *order_id);
        let mut payments: Vec<_> = payments.take(PAYMENTS_MAX + 1).cloned().collect();
        let incomplete = (payments.len() > PAYMENTS_MAX).then_some(Incomplete::TooMany);
        payments.truncate(PAYMENTS_MAX);
        OrderView { order: None, payments, incomplete }
    }
}

fn failure(order_id: &OrderId) -> StoreError {
    let context = format!("could not access order {order_id}");
    StoreError::Unavailable { context, source: "the test set it to fail".into() }
}

#[async_trait]
impl OrderStore for MemoryOrders {
    async fn insert(&self, order: &Order) -> Result<Inserted, StoreError> {
        let mut state = self.reach(&order.order_id, |calls| calls.order_writes += 1)?;
        if let Some(known) = state.orders.get(&order.order_id) {
            return Ok(Inserted::Known(Box::new(known.clone())));
        }
        state.orders.insert(order.order_id.clone(), order.clone());
        Ok(Inserted::New)
    }

    async fn replace(&self, order: &Order, expected_revision: u64) -> Result<Replaced, StoreError> {
        let mut state = self.reach(&order.order_id, |calls| calls.order_writes += 1)?;
        let stored = state.orders.get_mut(&order.order_id).filter(|stored| stored.revision == expected_revision);
        let Some(stored) = stored else { return Ok(Replaced::Lost) };
        *stored = order.clone();
        Ok(Replaced::Done)
    }
}

#[async_trait]
impl OrderQueries for MemoryOrders {
    async fn read(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        let state = self.reach(order_id, |calls| calls.reads += 1)?;
        Ok(OrderView { order: state.orders.get(order_id).cloned(), ..state.payments_of(order_id) })
    }

    async fn placed(&self, order_ids: &[OrderId]) -> Result<PlacedOrders, StoreError> {
        let mut state = self.state();
        state.calls.looks += 1;
        if let Some(failing) = order_ids.iter().find(|order_id| state.failing.contains(order_id)) {
            return Err(failure(failing));
        }
        let orders = order_ids.iter().filter_map(|order_id| state.orders.get(order_id).cloned()).collect();
        Ok(PlacedOrders { orders, unreadable: Vec::new() })
    }

    async fn payments(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        Ok(self.reach(order_id, |calls| calls.reads += 1)?.payments_of(order_id))
    }
}

#[async_trait]
impl PaymentPages for MemoryOrders {
    async fn page(&self, order_id: &OrderId, after: Option<&str>, limit: usize) -> Result<PaymentsPage, StoreError> {
        let state = self.reach(order_id, |calls| calls.reads += 1)?;
        let payments = state.payments.iter().filter(|((of, id), _)| of == order_id && Some(id.as_str()) > after);
        let mut payments = payments.map(|(_, stored)| stored.clone());
        let page: Vec<_> = payments.by_ref().take(limit).collect();
        let last = page.last().map(|stored| stored.payment.payment_id.to_string());
        Ok(PaymentsPage { next_after: payments.next().and(last), payments: page, unreadable: 0 })
    }
}

#[async_trait]
impl PaymentCopies for MemoryOrders {
    async fn put_if_newer(&self, payment: &PaymentCopy) -> Result<Stored, StoreError> {
        let (order_id, payment_id) = (&payment.payment.order_id, &payment.payment.payment_id);
        let mut state = self.reach(order_id, |calls| calls.payment_writes += 1)?;
        let key = (order_id.clone(), payment_id.clone());
        if state.payments.get(&key).is_some_and(|stored| stored.payment.version >= payment.payment.version) {
            return Ok(Stored::Stale);
        }
        state.payments.insert(key, payment.clone());
        Ok(Stored::Newer)
    }
}
