//! Paying, voiding and ordering, and what was seen of each.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use paystream_client::{ApiError, Pace};

use crate::api::{Api, Decision, PaymentAnswer};
use crate::mark::Mark;
use crate::open_loop::Arrival;
use crate::plan::PlannedOrder;

/// How long a payment is waited for.
const PATIENCE: Duration = Duration::from_mins(1);
const WAITING: Pace = Pace::within(PATIENCE, Duration::from_millis(50));
/// How a payment is asked for, again and again under the same key.
const ASKING: Pace = WAITING.doubling(Duration::from_secs(1));

/// A version of the payment that its client was told of. All times are milliseconds since the window began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToldVersion {
    pub(crate) number: u64,
    /// When Payments made it.
    pub(crate) made_ms: i64,
    /// When its client was told.
    pub(crate) told_ms: i64,
}

/// What came of placing the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) sent_ms: i64,
    pub(crate) intended_ms: i64,
    /// From the time it was to be sent until it was answered.
    pub(crate) latency: Duration,
    /// How late it was sent.
    pub(crate) lateness: Duration,
    pub(crate) answer: OrderOutcome,
}

impl Placed {
    /// When the answer was there.
    pub(crate) fn answered_ms(&self) -> i64 {
        self.intended_ms.saturating_add(i64::try_from(self.latency.as_millis()).unwrap_or(i64::MAX))
    }
}

/// How the order was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrderOutcome {
    /// Accepted at once.
    Accepted(Decision),
    /// Accepted, and by the time of the answer on hold: its payment does not cover it any more.
    Held(Decision),
    /// Placed, and waiting for its payment.
    Waiting(Decision),
    /// Not placed, as far as its client knows: why.
    Failed(String),
    /// Never sent: too many others were under way.
    NotSent,
}

impl OrderOutcome {
    /// That of an order which was placed, and has this status.
    pub(crate) fn with(status: &str, decision: Decision) -> Self {
        match status {
            "accepted" => Self::Accepted(decision),
            "on_hold" => Self::Held(decision),
            _ => Self::Waiting(decision),
        }
    }
}

/// One order, with all that its client saw of it.
#[derive(Debug, Clone)]
pub(crate) struct OrderTrace {
    pub(crate) order: PlannedOrder,
    /// Oldest first.
    pub(crate) versions: Vec<ToldVersion>,
    pub(crate) payment_id: Option<String>,
    /// Whether the payment was voided, as far as its client knows.
    pub(crate) is_voided: bool,
    pub(crate) placed: Option<Placed>,
}

/// What a client does for one order, at three times that may come in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Pay,
    Void,
    Order,
}

/// The clients of one scenario.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    api: Api,
    mark: Mark,
    records: Arc<Vec<Mutex<OrderTrace>>>,
}

impl Clients {
    pub(crate) fn new(api: Api, mark: Mark, orders: Vec<PlannedOrder>) -> Self {
        let record = |order| {
            Mutex::new(OrderTrace { order, versions: Vec::new(), payment_id: None, is_voided: false, placed: None })
        };
        Self { api, mark, records: Arc::new(orders.into_iter().map(record).collect()) }
    }

    /// All that was seen so far.
    pub(crate) fn records(&self) -> Vec<OrderTrace> {
        self.records.iter().map(|record| record.lock().clone()).collect()
    }

    /// Does one step of the order of this number.
    pub(crate) async fn act(self, number: usize, step: Step, arrival: Arrival) {
        let order = self.with(number, |record| record.order.clone());
        match step {
            Step::Pay => self.pay(number, &order).await,
            Step::Void => self.void(number).await,
            Step::Order => {
                let sent_ms = self.mark.now_ms();
                let answer = match self.api.place(&order).await {
                    Ok(answer) => OrderOutcome::with(&answer.status, answer.payment),
                    Err(error) => OrderOutcome::Failed(error.kind()),
                };
                let (latency, lateness) = (arrival.latency(), arrival.lateness());
                let intended_ms = sent_ms - i64::try_from(lateness.as_millis()).unwrap_or(0);
                self.with(number, |record| {
                    record.placed = Some(Placed { sent_ms, intended_ms, latency, lateness, answer });
                });
            }
        }
    }

    /// Notes that the order of this number came and was not sent: to its client it failed.
    pub(crate) fn not_sent(&self, number: usize, intended_ms: i64) {
        let (latency, lateness) = (Duration::ZERO, Duration::ZERO);
        let placed = Placed { sent_ms: intended_ms, intended_ms, latency, lateness, answer: OrderOutcome::NotSent };
        self.with(number, |record| record.placed = Some(placed));
    }

    async fn pay(&self, number: usize, order: &PlannedOrder) {
        if let Some(payment) = self.insist(|| self.api.pay(order)).await {
            self.told(number, &payment);
        }
    }

    /// Voids the payment, once its client is told of it.
    async fn void(&self, number: usize) {
        let Some(payment_id) = self.paid(number).await else { return };
        if let Some(voided) = self.insist(|| self.api.void(&payment_id)).await {
            self.told(number, &voided);
            self.with(number, |record| record.is_voided = true);
        }
    }

    /// The payment's id. A machine that is busy may not have made it yet when it is to be voided.
    async fn paid(&self, number: usize) -> Option<String> {
        let mut waiting = WAITING.begin();
        loop {
            let payment_id = self.with(number, |record| record.payment_id.clone());
            if payment_id.is_some() || !waiting.again().await {
                return payment_id;
            }
        }
    }

    fn told(&self, number: usize, payment: &PaymentAnswer) {
        let told_ms = self.mark.now_ms();
        let version = ToldVersion { number: payment.version, made_ms: self.mark.ms(payment.updated_at), told_ms };
        self.with(number, |record| {
            record.payment_id = Some(payment.payment_id.clone());
            record.versions.push(version);
            record.versions.sort_by_key(|version| version.number);
        });
    }

    /// Asks again for as long as nothing is decided.
    async fn insist<F>(&self, ask: impl Fn() -> F) -> Option<PaymentAnswer>
    where
        F: Future<Output = Result<PaymentAnswer, ApiError>>,
    {
        let mut asking = ASKING.begin();
        loop {
            match ask().await {
                Ok(payment) => return Some(payment),
                Err(ApiError::Status { status: 400 | 403 | 404 | 422, .. } | ApiError::Request(_)) => return None,
                Err(_) if !asking.again().await => return None,
                Err(_) => {}
            }
        }
    }

    fn with<T>(&self, number: usize, work: impl FnOnce(&mut OrderTrace) -> T) -> T {
        work(&mut self.records[number].lock())
    }
}
