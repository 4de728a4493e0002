//! Processes to explore: requests to `payment-api`, and the recovery.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use payment_recovery::{ChangeBatch, Recoverer};
use payments::{AcceptPayment, PublishMode, RecoverPayment, Status};
use quarantine::MemoryQuarantine;
use serde_json::json;
use telemetry::Metrics;

use super::request;
use super::world::{Fate, Gated, World, described};
use crate::images::change;

/// Work of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    /// Sends `POST /payments` until it gets a response with a payment, at most this many times.
    Client {
        /// Maximum number of requests.
        tries: usize,
    },
    /// Reads the change stream, each batch until it is acknowledged. A batch has all images that were not read before.
    Recovery,
}

/// Result of one piece of work.
enum Worked {
    /// The client got this status, or none.
    Answered(Option<Status>),
    /// Lowest reported sequence number of the batch.
    Reported(Option<usize>),
}

/// A process that advances one call at a time.
pub(crate) struct Process {
    script: Script,
    /// Requests sent (client), or images acknowledged (recovery).
    done: usize,
    /// Number of images of the current batch and those before it.
    batch_end: usize,
    /// Status that the client got.
    pub(crate) answer: Option<Status>,
    gate: Arc<Gated>,
    work: Option<Pin<Box<dyn Future<Output = Worked>>>>,
}

impl Process {
    pub(crate) fn new(script: Script, world: &Arc<World>) -> Self {
        Self { script, done: 0, batch_end: 0, answer: None, gate: Gated::new(world), work: None }
    }

    /// Returns true if the process has a call to make.
    pub(crate) fn can_step(&self, world: &World) -> bool {
        self.work.is_some()
            || match self.script {
                Script::Client { tries } => self.done < tries && self.answer.is_none(),
                Script::Recovery => self.done < world.images().len(),
            }
    }

    /// Returns true if the process has made a call.
    pub(crate) fn has_begun(&self) -> bool {
        self.work.is_some() && self.gate.has_results()
    }

    pub(crate) fn state(&self, world: &World) -> String {
        let Self { script, done, batch_end, answer, .. } = self;
        let mut state = match script {
            // Images that were acknowledged do not matter any more.
            Script::Recovery => {
                let images = world.images();
                let unread: Vec<_> = images[*done..].iter().map(described).collect();
                format!("{unread:?} {}", batch_end.saturating_sub(*done))
            }
            Script::Client { tries } => format!("{tries} {done} {answer:?}"),
        };
        if self.work.is_some() {
            state += &self.gate.results();
        }
        state
    }

    /// Makes the next call, and runs up to the one after it.
    pub(crate) fn step(&mut self, world: &Arc<World>, fate: Fate) {
        if self.work.is_none() {
            self.begin(world);
        }
        self.gate.open(fate);
        self.poll();
    }

    /// Ends the current piece of work. Returns the dead process.
    pub(crate) fn die(&mut self, world: &Arc<World>) -> Self {
        let Self { script, done, batch_end, answer, .. } = *self;
        let done = if matches!(script, Script::Client { .. }) { done + 1 } else { done };
        let next = Self { script, done, batch_end, answer, gate: Gated::new(world), work: None };
        std::mem::replace(self, next)
    }

    /// Begins a piece of work, up to its first call.
    fn begin(&mut self, world: &Arc<World>) {
        self.gate = Gated::new(world);
        let gate = Arc::clone(&self.gate);
        self.work = match self.script {
            Script::Client { .. } => Some(Box::pin(accept(gate))),
            Script::Recovery => {
                let images = world.images();
                self.batch_end = images.len();
                let changes = images.iter().enumerate().skip(self.done);
                let changes: Vec<_> = changes.map(|(number, image)| change(number, image)).collect();
                Some(Box::pin(recover(gate, json!({"Records": changes}).to_string())))
            }
        };
        self.poll();
    }

    fn poll(&mut self) {
        let Some(work) = &mut self.work else { return };
        let Poll::Ready(worked) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) else { return };
        self.work = None;
        match worked {
            Worked::Answered(answer) => {
                self.done += 1;
                self.answer = answer;
            }
            Worked::Reported(lowest) => self.done = lowest.unwrap_or(self.batch_end),
        }
    }
}

/// Leases end at once, so that any two processes may work on the payment at the same time.
const LEASE_MS: u64 = 0;

async fn accept(gate: Arc<Gated>) -> Worked {
    let accept = AcceptPayment::new(gate.clone(), gate, PublishMode::Stream, LEASE_MS);
    Worked::Answered(accept.accept(&request()).await.ok().map(|accepted| accepted.payment.status))
}

async fn recover(gate: Arc<Gated>, batch: String) -> Worked {
    let recover = RecoverPayment::new(gate.clone(), gate, LEASE_MS, 0);
    let metrics = Metrics::new("recovery", |_| {});
    let recoverer = Recoverer::new(recover, Arc::new(MemoryQuarantine::default()), metrics);
    let batch: ChangeBatch = serde_json::from_str(&batch).unwrap();
    let response = recoverer.handle(batch, SystemTime::now() + Duration::from_hours(1)).await;
    Worked::Reported(response.into_iter().map(|number| number.parse().unwrap()).min())
}
