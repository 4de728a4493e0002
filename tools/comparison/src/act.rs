//! Clients that pay, void and order, and the trace of their responses.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use paystream_client::{ApiError, Pace};

use crate::api::{Api, Decision, PaymentAnswer};
use crate::mark::Mark;
use crate::open_loop::Arrival;
use crate::plan::PlannedOrder;

/// Maximum time to wait for a payment.
const PATIENCE: Duration = Duration::from_mins(1);
const WAITING: Pace = Pace::within(PATIENCE, Duration::from_millis(50));
/// Pauses between retries of a payment request, under the same idempotency key.
const RETRYING: Pace = WAITING.doubling(Duration::from_secs(1));

/// A payment version that the client received in a response. Times are milliseconds since the start of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReceivedVersion {
    pub(crate) number: u64,
    /// Time at which Payments stored the version.
    pub(crate) made_ms: i64,
    /// Time at which the client received it.
    pub(crate) received_ms: i64,
}

/// Outcome of sending the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) sent_ms: i64,
    pub(crate) intended_ms: i64,
    /// Time from the intended send time to the response.
    pub(crate) latency: Duration,
    /// Delay of the actual send time.
    pub(crate) lateness: Duration,
    pub(crate) answer: OrderOutcome,
}

impl Placed {
    /// Time of the response, in milliseconds since the start of the window.
    pub(crate) fn answered_ms(&self) -> i64 {
        self.intended_ms.saturating_add(i64::try_from(self.latency.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Response to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrderOutcome {
    /// Accepted.
    Accepted(Decision),
    /// Accepted, but already on hold in the response: its payment no longer covers it.
    Held(Decision),
    /// Placed, waiting for its payment.
    Waiting(Decision),
    /// Failed, with the reason. It may still have been stored.
    Failed(String),
    /// Not sent, because too many requests were in flight.
    NotSent,
}

impl OrderOutcome {
    /// Outcome of an order in this status.
    pub(crate) fn with(status: &str, decision: Decision) -> Self {
        match status {
            "accepted" => Self::Accepted(decision),
            "on_hold" => Self::Held(decision),
            _ => Self::Waiting(decision),
        }
    }
}

/// One order, with all responses to its client.
#[derive(Debug, Clone)]
pub(crate) struct OrderTrace {
    pub(crate) order: PlannedOrder,
    /// Versions received, oldest first.
    pub(crate) versions: Vec<ReceivedVersion>,
    pub(crate) payment_id: Option<String>,
    /// True if the client received a successful response to the void.
    pub(crate) is_voided: bool,
    pub(crate) placed: Option<Placed>,
}

/// Requests of a client for one order. Their times may be in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Pay,
    Void,
    Order,
}

/// Clients of one scenario.
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

    /// Returns the traces so far.
    pub(crate) fn records(&self) -> Vec<OrderTrace> {
        self.records.iter().map(|record| record.lock().clone()).collect()
    }

    /// Executes one step for the order with this number.
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

    /// Records that the order with this number was not sent, which counts as failed.
    pub(crate) fn not_sent(&self, number: usize, intended_ms: i64) {
        let (latency, lateness) = (Duration::ZERO, Duration::ZERO);
        let placed = Placed { sent_ms: intended_ms, intended_ms, latency, lateness, answer: OrderOutcome::NotSent };
        self.with(number, |record| record.placed = Some(placed));
    }

    async fn pay(&self, number: usize, order: &PlannedOrder) {
        if let Some(payment) = self.insist(|| self.api.pay(order)).await {
            self.received(number, &payment);
        }
    }

    /// Voids the payment as soon as its client has the payment id.
    async fn void(&self, number: usize) {
        let Some(payment_id) = self.payment_id(number).await else { return };
        if let Some(voided) = self.insist(|| self.api.void(&payment_id)).await {
            self.received(number, &voided);
            self.with(number, |record| record.is_voided = true);
        }
    }

    /// Waits for the payment id. On a busy machine the payment may be late.
    async fn payment_id(&self, number: usize) -> Option<String> {
        let mut waiting = WAITING.begin();
        loop {
            let payment_id = self.with(number, |record| record.payment_id.clone());
            if payment_id.is_some() || !waiting.again().await {
                return payment_id;
            }
        }
    }

    /// Records the payment in a response.
    fn received(&self, number: usize, payment: &PaymentAnswer) {
        let received_ms = self.mark.now_ms();
        let version =
            ReceivedVersion { number: payment.version, made_ms: self.mark.ms(payment.updated_at), received_ms };
        self.with(number, |record| {
            record.payment_id = Some(payment.payment_id.clone());
            record.versions.push(version);
            record.versions.sort_by_key(|version| version.number);
        });
    }

    /// Repeats the request until it succeeds, fails for good, or [`PATIENCE`] is over.
    async fn insist<F>(&self, ask: impl Fn() -> F) -> Option<PaymentAnswer>
    where
        F: Future<Output = Result<PaymentAnswer, ApiError>>,
    {
        let mut retrying = RETRYING.begin();
        loop {
            match ask().await {
                Ok(payment) => return Some(payment),
                Err(ApiError::Status { status: 400 | 403 | 404 | 422, .. } | ApiError::Request(_)) => return None,
                Err(_) if !retrying.again().await => return None,
                Err(_) => {}
            }
        }
    }

    fn with<T>(&self, number: usize, work: impl FnOnce(&mut OrderTrace) -> T) -> T {
        work(&mut self.records[number].lock())
    }
}
