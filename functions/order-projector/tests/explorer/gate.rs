//! A store, and Payments, that do nothing before they are told to.

use std::fmt::Write;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use orders::testing::{MemoryOrders, MemoryPayments};
use orders::{
    Fulfilment, Inserted, LookupError, Order, OrderQueries, OrderStore, OrderView, PaymentCopies, PaymentCopy,
    PaymentLookup, Replaced, StoreError, Stored,
};
use payment_events::{OrderId, PaymentInfo};

/// What there is, outside of any process.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) store: Arc<MemoryOrders>,
    /// What Payments says when asked.
    pub(crate) payments: MemoryPayments,
}

/// One process's way to the world.
pub(crate) struct Gated {
    world: Arc<World>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_open: bool,
    waiting: Option<Waker>,
    /// What the process was answered.
    answers: Vec<String>,
}

impl Gated {
    pub(crate) fn new(world: &Arc<World>) -> Arc<Self> {
        Arc::new(Self { world: Arc::clone(world), state: Mutex::default() })
    }

    /// Payments takes the next step of a payment, as one call.
    pub(crate) async fn becomes(&self, payment: PaymentInfo) {
        self.opened().await;
        self.answered(format!("{}:{}", payment.payment_id, payment.version));
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

    /// Every answer in quotes, so that having been answered "nothing" is not the same as not having asked.
    pub(crate) fn answers(&self) -> String {
        format!("{:?}", self.state.lock().unwrap().answers)
    }

    pub(crate) fn has_answered(&self) -> bool {
        !self.state.lock().unwrap().answers.is_empty()
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

    fn answered(&self, answer: String) {
        self.state.lock().unwrap().answers.push(answer);
    }
}

#[async_trait]
impl OrderStore for Gated {
    async fn insert(&self, order: &Order) -> Result<Inserted, StoreError> {
        self.opened().await;
        let inserted = self.world.store.insert(order).await?;
        self.answered(match &inserted {
            Inserted::New => "new".to_owned(),
            Inserted::Known(order) => describe_order(order),
        });
        Ok(inserted)
    }

    async fn replace(&self, order: &Order, expected_revision: u64) -> Result<Replaced, StoreError> {
        self.opened().await;
        let replaced = self.world.store.replace(order, expected_revision).await?;
        self.answered(format!("{replaced:?}"));
        Ok(replaced)
    }
}

#[async_trait]
impl OrderQueries for Gated {
    async fn read(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.opened().await;
        let view = self.world.store.read(order_id).await?;
        self.answered(describe(&view));
        Ok(view)
    }

    async fn placed(&self, order_ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        self.opened().await;
        let placed = self.world.store.placed(order_ids).await?;
        self.answered(placed.iter().map(describe_order).collect());
        Ok(placed)
    }

    async fn payments(&self, order_id: &OrderId) -> Result<Vec<PaymentCopy>, StoreError> {
        self.opened().await;
        let payments = self.world.store.payments(order_id).await?;
        self.answered(describe(&OrderView { order: None, payments: payments.clone() }));
        Ok(payments)
    }
}

#[async_trait]
impl PaymentLookup for Gated {
    async fn payments_of(&self, order_id: &OrderId) -> Result<Vec<PaymentInfo>, LookupError> {
        self.opened().await;
        let payments = self.world.payments.payments_of(order_id).await?;
        self.answered(describe_payments(&payments));
        Ok(payments)
    }
}

#[async_trait]
impl PaymentCopies for Gated {
    async fn put_if_newer(&self, payment: &PaymentCopy) -> Result<Stored, StoreError> {
        self.opened().await;
        let stored = self.world.store.put_if_newer(payment).await?;
        self.answered(format!("{stored:?}"));
        Ok(stored)
    }
}

/// Which payments, as of which versions.
pub(crate) fn describe_payments(payments: &[PaymentInfo]) -> String {
    let versions: Vec<_> =
        payments.iter().map(|payment| format!("{}:{}", payment.payment_id, payment.version)).collect();
    versions.join(" ")
}

/// All that any process goes by, without the times, which differ from run to run.
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

/// What a future that waits for nothing comes to.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}
