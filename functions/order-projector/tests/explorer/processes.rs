//! Processes to explore: clients of `order-api` in either mode, the projector, and Payments.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use order_projector::Projector;
use orders::testing::samples::{euros, request};
use orders::{PlaceOrder, ProjectPayments, Settle};
use payment_events::{PaymentEvent, PaymentInfo};
use paystream_explorer::{Gate, Work};
use quarantine::MemoryQuarantine;
use stream_batch::{KinesisEvent, KinesisRecord};
use telemetry::Metrics;

use super::World;
use super::gated::Gated;

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

/// Progress of a script.
#[derive(Clone)]
pub(crate) struct Process {
    /// Index of its script in the scenario.
    number: usize,
    script: Script,
    /// Number of acknowledged batches (projector), versions set (Payments) or responses received (client).
    done: usize,
    /// True if it died and is not retried.
    has_given_up: bool,
}

impl Process {
    pub(crate) fn new((number, script): (usize, Script)) -> Self {
        Self { number, script, done: 0, has_given_up: false }
    }
}

impl paystream_explorer::Process for Process {
    type World = World;
    /// True if the piece of work succeeded.
    type Outcome = bool;

    const FIRST_CALL_MAY_BE_LATE: bool = true;

    fn describe(&self, _: &World) -> String {
        format!("{} {} {}", self.number, self.done, self.has_given_up)
    }

    fn has_work(&self, _: &World) -> bool {
        let pieces = match &self.script {
            Script::Payments(steps) => steps.len(),
            Script::Projector(batches) => batches.len(),
            _ => 1,
        };
        self.done < pieces && !self.has_given_up
    }

    fn begin(&mut self, gate: Arc<Gate<World>>) -> Work<bool> {
        let gated = Arc::new(Gated(gate));
        match &self.script {
            Script::Client | Script::ClientWithoutRetry => Box::pin(place(gated, false)),
            Script::SynchronousClient | Script::SynchronousClientWithoutRetry => Box::pin(place(gated, true)),
            Script::Payments(steps) => Box::pin(pay(gated, steps[self.done].clone())),
            Script::Projector(batches) => Box::pin(project(gated, batches[self.done].clone())),
        }
    }

    fn finish(&mut self, has_succeeded: bool) {
        self.done += usize::from(has_succeeded);
    }

    fn die(&mut self) {
        self.has_given_up = matches!(self.script, Script::ClientWithoutRetry | Script::SynchronousClientWithoutRetry);
    }
}

async fn pay(gated: Arc<Gated>, step: PaymentInfo) -> bool {
    gated.becomes(step).await;
    true
}

async fn place(gated: Arc<Gated>, is_synchronous: bool) -> bool {
    let place = PlaceOrder::new(gated.clone(), gated.clone());
    let place = if is_synchronous { place.asking(gated) } else { place };
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

async fn project(gated: Arc<Gated>, batch: KinesisEvent) -> bool {
    let project = ProjectPayments::new(gated.clone(), Settle::new(gated.clone(), gated));
    let projector = Projector::new(project, Arc::new(MemoryQuarantine::default()), Metrics::new("projector", |_| {}));
    let response = projector.handle(batch.into(), SystemTime::now() + Duration::from_hours(1)).await;
    response.is_ok_and(|response| response.batch_item_failures.is_empty())
}
