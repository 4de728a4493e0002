//! A store and a Payments API whose calls wait until the explorer lets them through.

use std::fmt::Write;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use orders::testing::{MemoryOrders, MemoryPayments};
use orders::{
    Fulfilment, Inserted, LookedUp, LookupError, Order, OrderQueries, OrderStore, OrderView, PaymentCopies,
    PaymentCopy, PaymentLookup, PlacedOrders, Replaced, StoreError, Stored,
};
use payment_events::{OrderId, PaymentInfo};

/// State shared by all processes.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) store: Arc<MemoryOrders>,
    /// The Payments API.
    pub(crate) payments: MemoryPayments,
}

/// One process's gated access to the world.
pub(crate) struct Gated {
    world: Arc<World>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_open: bool,
    waiting: Option<Waker>,
    /// Results that the process has received.
    results: Vec<String>,
}

impl Gated {
    pub(crate) fn new(world: &Arc<World>) -> Arc<Self> {
        Arc::new(Self { world: Arc::clone(world), state: Mutex::default() })
    }

    /// Sets the next version of a payment in the Payments API, as one call.
    pub(crate) async fn becomes(&self, payment: PaymentInfo) {
        self.opened().await;
        self.record(format!("{}:{}", payment.payment_id, payment.version));
        self.world.payments.becomes(payment);
    }

    /// Lets one call through.
    pub(crate) fn open(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_open = true;
        if let Some(waiting) = state.waiting.take() {
            waiting.wake();
        }
    }

    /// Results received so far, quoted, so that an empty result differs from no call.
    pub(crate) fn results(&self) -> String {
        format!("{:?}", self.state.lock().unwrap().results)
    }

    pub(crate) fn has_results(&self) -> bool {
        !self.state.lock().unwrap().results.is_empty()
    }

    async fn opened(&self) {
        poll_fn(|context| {
            let mut state = self.state.lock().unwrap();
            if std::mem::take(&mut state.is_open) {
                return Poll::Ready(());
            }
            state.waiting = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn record(&self, result: String) {
        self.state.lock().unwrap().results.push(result);
    }
}

#[async_trait]
impl OrderStore for Gated {
    async fn insert(&self, order: &Order) -> Result<Inserted, StoreError> {
        self.opened().await;
        let inserted = self.world.store.insert(order).await?;
        self.record(match &inserted {
            Inserted::New => "new".to_owned(),
            Inserted::Known(order) => describe_order(order),
        });
        Ok(inserted)
    }

    async fn replace(&self, order: &Order, expected_revision: u64) -> Result<Replaced, StoreError> {
        self.opened().await;
        let replaced = self.world.store.replace(order, expected_revision).await?;
        self.record(format!("{replaced:?}"));
        Ok(replaced)
    }
}

#[async_trait]
impl OrderQueries for Gated {
    async fn read(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.opened().await;
        let view = self.world.store.read(order_id).await?;
        self.record(describe(&view));
        Ok(view)
    }

    async fn placed(&self, order_ids: &[OrderId]) -> Result<PlacedOrders, StoreError> {
        self.opened().await;
        let placed = self.world.store.placed(order_ids).await?;
        self.record(placed.orders.iter().map(describe_order).collect());
        Ok(placed)
    }

    async fn payments(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.opened().await;
        let payments = self.world.store.payments(order_id).await?;
        self.record(describe(&payments));
        Ok(payments)
    }
}

#[async_trait]
impl PaymentLookup for Gated {
    async fn payments_of(&self, order_id: &OrderId) -> Result<LookedUp, LookupError> {
        self.opened().await;
        let payments = self.world.payments.payments_of(order_id).await?;
        self.record(describe_payments(&payments.payments));
        Ok(payments)
    }
}

#[async_trait]
impl PaymentCopies for Gated {
    async fn put_if_newer(&self, payment: &PaymentCopy) -> Result<Stored, StoreError> {
        self.opened().await;
        let stored = self.world.store.put_if_newer(payment).await?;
        self.record(format!("{stored:?}"));
        Ok(stored)
    }
}

/// Ids and versions of payments.
pub(crate) fn describe_payments(payments: &[PaymentInfo]) -> String {
    let versions: Vec<_> =
        payments.iter().map(|payment| format!("{}:{}", payment.payment_id, payment.version)).collect();
    versions.join(" ")
}

/// Everything that influences a process. Omits times, which differ between runs.
pub(crate) fn describe(view: &OrderView) -> String {
    let mut text = view.order.as_ref().map(describe_order).unwrap_or_default();
    for stored in &view.payments {
        write!(text, " {}:{}", stored.payment.payment_id, stored.payment.version).unwrap();
    }
    text
}

fn describe_order(order: &Order) -> String {
    let started = order.fulfilment != Fulfilment::NotStarted;
    let mut text = format!("{} {} started={started}", order.status, order.revision);
    for based_on in &order.decision.based_on {
        write!(text, " on {}:{}", based_on.payment_id, based_on.version).unwrap();
    }
    text
}

/// Returns the output of a future that never waits.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("the future is pending"),
    }
}
