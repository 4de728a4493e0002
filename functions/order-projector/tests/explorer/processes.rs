//! What runs: clients of `order-api`, in either mode, the projector, and Payments.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use order_projector::Projector;
use orders::testing::MemoryQuarantine;
use orders::testing::samples::{euros, request};
use orders::{PlaceOrder, ProjectPayments, Settle};
use payment_events::{PaymentEvent, PaymentInfo};
use stream_batch::{KinesisEvent, KinesisRecord};
use telemetry::Metrics;

use super::{Gated, World};

/// What a process does, and what follows when it dies.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    /// Places the order, and repeats that until there is an answer.
    Client,
    /// Places the order, and does not ask again when there is no answer.
    ClientThatGivesUp,
    /// Places the order by asking Payments, and repeats that until there is an answer.
    SynchronousClient,
    /// The same, and does not ask again when there is no answer.
    SynchronousClientThatGivesUp,
    /// Payments: takes these steps, one after the other.
    Payments(Vec<PaymentInfo>),
    /// Projects batches, one after the other, each until all of it is acknowledged.
    Projector(Vec<KinesisEvent>),
}

/// A process, from one call of the store to the next.
pub(crate) struct Process {
    /// Which of the scenario's scripts.
    number: usize,
    script: Script,
    /// Of a projector, batches that are acknowledged; of a client, answers it got.
    done: usize,
    gate: Arc<Gated>,
    /// Whether what it does has come to its end for good.
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
        self.gate.has_answered()
    }

    pub(crate) fn state(&self) -> String {
        format!("{} {} {} {}", self.number, self.done, self.is_done(), self.gate.answers())
    }

    /// Makes its next call of the store, and goes on until it is about to make another.
    pub(crate) fn step(&mut self, world: &Arc<World>) {
        self.gate.open();
        self.go_on(world);
    }

    /// It is gone, and what is left to be done is begun again by another. Answers with the one that is gone.
    pub(crate) fn die(&mut self, world: &Arc<World>) -> Self {
        let Self { number, done, .. } = *self;
        let next = Self { number, script: self.script.clone(), done, gate: Gated::new(world), work: None };
        let dead = std::mem::replace(self, next);
        if !matches!(self.script, Script::ClientThatGivesUp | Script::SynchronousClientThatGivesUp) {
            self.begin(world);
        }
        dead
    }

    /// Begins what comes next, up to its first call of the store.
    fn begin(&mut self, world: &Arc<World>) {
        self.gate = Gated::new(world);
        let gate = Arc::clone(&self.gate);
        self.work = match &self.script {
            Script::Client | Script::ClientThatGivesUp if self.done == 0 => Some(Box::pin(place(gate, false))),
            Script::SynchronousClient | Script::SynchronousClientThatGivesUp if self.done == 0 => {
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
        self.go_on(world);
    }

    fn go_on(&mut self, world: &Arc<World>) {
        let Some(work) = &mut self.work else { return };
        match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => {}
            Poll::Ready(is_answered) => {
                self.done += usize::from(is_answered);
                self.begin(world);
            }
        }
    }
}

async fn pay(gate: Arc<Gated>, step: PaymentInfo) -> bool {
    gate.becomes(step).await;
    true
}

async fn place(gate: Arc<Gated>, asks: bool) -> bool {
    let place = PlaceOrder::new(gate.clone(), gate.clone());
    let place = if asks { place.asking(gate) } else { place };
    // What fails for a while is repeated by the client.
    place.place(request("ord-1", euros(1_000))).await.is_ok()
}

/// A batch of these payments.
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
    let response = projector.handle(batch, SystemTime::now() + Duration::from_hours(1)).await;
    response.batch_item_failures.is_empty()
}
