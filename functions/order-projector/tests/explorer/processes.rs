//! Processes to explore: clients of `order-api` in either mode, the projector, and Payments.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use order_projector::Projector;
use orders::testing::samples::{euros, request};
use orders::{PlaceOrder, ProjectPayments, Settle};
use payment_events::{PaymentEvent, PaymentInfo};
use quarantine::MemoryQuarantine;
use stream_batch::{KinesisEvent, KinesisRecord};
use telemetry::Metrics;

use super::{Gated, World};

/// Work of a process, and whether it is retried after a death.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    /// Places the order, and retries until it gets a response.
    Client,
    /// Places the order, and does not retry without a response.
    ClientWithoutRetry,
    /// Places the order in synchronous mode, and retries until it gets a response.
    SynchronousClient,
    /// Places the order in synchronous mode, and does not retry without a response.
    SynchronousClientWithoutRetry,
    /// Sets these versions of payments in the Payments API, one after the other.
    Payments(Vec<PaymentInfo>),
    /// Projects batches, one after the other, each until it is completely acknowledged.
    Projector(Vec<KinesisEvent>),
}

/// A process that advances one call at a time.
pub(crate) struct Process {
    /// Index of its script in the scenario.
    number: usize,
    script: Script,
    /// Number of acknowledged batches (projector), versions set (Payments) or responses received (client).
    done: usize,
    gate: Arc<Gated>,
    /// Current piece of work; its output is true if it succeeded. `None` if nothing is left to do.
    work: Option<Pin<Box<dyn Future<Output = bool>>>>,
}

impl Process {
    pub(crate) fn start(number: usize, script: Script, world: &Arc<World>) -> Self {
        let mut process = Self { number, script, done: 0, gate: Gated::new(world), work: None };
        process.begin(world);
        process
    }

    pub(crate) fn is_done(&self) -> bool {
        self.work.is_none()
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.gate.has_results()
    }

    pub(crate) fn state(&self) -> String {
        format!("{} {} {} {}", self.number, self.done, self.is_done(), self.gate.results())
    }

    /// Makes the next call, and runs up to the one after it.
    pub(crate) fn step(&mut self, world: &Arc<World>) {
        self.gate.open();
        self.poll(world);
    }

    /// Replaces the process with one that restarts the current piece of work, unless its script has no retry. Returns
    /// the dead process.
    pub(crate) fn die(&mut self, world: &Arc<World>) -> Self {
        let Self { number, done, .. } = *self;
        let next = Self { number, script: self.script.clone(), done, gate: Gated::new(world), work: None };
        let dead = std::mem::replace(self, next);
        if !matches!(self.script, Script::ClientWithoutRetry | Script::SynchronousClientWithoutRetry) {
            self.begin(world);
        }
        dead
    }

    /// Starts the next piece of work, up to its first call.
    fn begin(&mut self, world: &Arc<World>) {
        self.gate = Gated::new(world);
        let gate = Arc::clone(&self.gate);
        self.work = match &self.script {
            Script::Client | Script::ClientWithoutRetry if self.done == 0 => Some(Box::pin(place(gate, false))),
            Script::SynchronousClient | Script::SynchronousClientWithoutRetry if self.done == 0 => {
                Some(Box::pin(place(gate, true)))
            }
            Script::Payments(steps) => {
                steps.get(self.done).cloned().map(|step| Box::pin(pay(gate, step)) as Pin<Box<_>>)
            }
            Script::Projector(batches) => {
                batches.get(self.done).map(|batch| Box::pin(project(gate, batch.clone())) as Pin<Box<_>>)
            }
            _ => None,
        };
        self.poll(world);
    }

    fn poll(&mut self, world: &Arc<World>) {
        let Some(work) = &mut self.work else { return };
        match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => {}
            Poll::Ready(has_succeeded) => {
                self.done += usize::from(has_succeeded);
                self.begin(world);
            }
        }
    }
}

async fn pay(gate: Arc<Gated>, step: PaymentInfo) -> bool {
    gate.becomes(step).await;
    true
}

async fn place(gate: Arc<Gated>, is_synchronous: bool) -> bool {
    let place = PlaceOrder::new(gate.clone(), gate.clone());
    let place = if is_synchronous { place.asking(gate) } else { place };
    // The client repeats a request that failed.
    place.place(request("ord-1", euros(1_000))).await.is_ok()
}

/// Batch with one event per payment.
pub(crate) fn batch(payments: &[PaymentInfo]) -> KinesisEvent {
    let records = payments.iter().zip(1..).map(|(payment, number)| KinesisRecord {
        shard_id: "shardId-000000000000".to_owned(),
        sequence_number: number.to_string(),
        partition_key: payment.order_id.to_string(),
        data: PaymentEvent::new(payment.clone(), None).unwrap().encode(),
        arrived_at_unix_ms: None,
    });
    KinesisEvent { records: records.collect() }
}

async fn project(gate: Arc<Gated>, batch: KinesisEvent) -> bool {
    let project = ProjectPayments::new(gate.clone(), Settle::new(gate.clone(), gate));
    let projector = Projector::new(project, Arc::new(MemoryQuarantine::default()), Metrics::new("projector", |_| {}));
    let response = projector.handle(batch.into(), SystemTime::now() + Duration::from_hours(1)).await;
    response.is_ok_and(|response| response.batch_item_failures.is_empty())
}
