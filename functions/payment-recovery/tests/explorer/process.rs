//! Processes to explore: requests to `payment-api`, and the recovery.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use payment_recovery::{ChangeBatch, Recoverer};
use payments::{AcceptPayment, PublishMode, RecoverPayment, Status};
use paystream_explorer::{Gate, Work};
use quarantine::MemoryQuarantine;
use serde_json::json;
use telemetry::Metrics;

use super::gated::{Gated, described};
use super::{World, request};
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
pub(crate) enum Worked {
    /// The client got this status, or none.
    Answered(Option<Status>),
    /// Lowest reported sequence number of the batch.
    Reported(Option<usize>),
}

/// Progress of a script.
#[derive(Clone)]
pub(crate) struct Process {
    script: Script,
    /// Requests sent (client), or images acknowledged (recovery).
    done: usize,
    /// Number of images of the current batch and those before it.
    batch_end: usize,
    /// Status that the client got.
    pub(crate) answer: Option<Status>,
}

impl Process {
    pub(crate) fn new(script: Script) -> Self {
        Self { script, done: 0, batch_end: 0, answer: None }
    }
}

impl paystream_explorer::Process for Process {
    type World = World;
    type Outcome = Worked;

    /// A batch is read when its first call is made.
    const FIRST_CALL_MAY_BE_LATE: bool = false;

    fn describe(&self, world: &World) -> String {
        let Self { script, done, batch_end, answer, .. } = self;
        match script {
            // Images that were acknowledged do not matter any more.
            Script::Recovery => {
                let unread: Vec<_> = world.images()[*done..].iter().map(described).collect();
                format!("{unread:?} {}", batch_end.saturating_sub(*done))
            }
            Script::Client { tries } => format!("{tries} {done} {answer:?}"),
        }
    }

    fn has_work(&self, world: &World) -> bool {
        match self.script {
            Script::Client { tries } => self.done < tries && self.answer.is_none(),
            Script::Recovery => self.done < world.images().len(),
        }
    }

    fn begin(&mut self, gate: Arc<Gate<World>>) -> Work<Worked> {
        match self.script {
            Script::Client { .. } => Box::pin(accept(Arc::new(Gated(gate)))),
            Script::Recovery => {
                let images = gate.world().images();
                self.batch_end = images.len();
                let changes = images.iter().enumerate().skip(self.done);
                let changes: Vec<_> = changes.map(|(number, image)| change(number, image)).collect();
                drop(images);
                Box::pin(recover(Arc::new(Gated(gate)), json!({"Records": changes}).to_string()))
            }
        }
    }

    fn finish(&mut self, worked: Worked) {
        match worked {
            Worked::Answered(answer) => {
                self.done += 1;
                self.answer = answer;
            }
            Worked::Reported(lowest) => self.done = lowest.unwrap_or(self.batch_end),
        }
    }

    fn die(&mut self) {
        self.done += usize::from(matches!(self.script, Script::Client { .. }));
    }
}

/// Leases end at once, so that any two processes may work on the payment at the same time.
const LEASE_MS: u64 = 0;

async fn accept(gated: Arc<Gated>) -> Worked {
    let accept = AcceptPayment::new(gated.clone(), gated, PublishMode::Stream, LEASE_MS);
    Worked::Answered(accept.accept(&request()).await.ok().map(|accepted| accepted.payment.status))
}

async fn recover(gated: Arc<Gated>, batch: String) -> Worked {
    let recover = RecoverPayment::new(gated.clone(), gated, LEASE_MS, 0);
    let metrics = Metrics::new("recovery", |_| {});
    let recoverer = Recoverer::new(recover, Arc::new(MemoryQuarantine::default()), metrics);
    let batch: ChangeBatch = serde_json::from_str(&batch).unwrap();
    let response = recoverer.handle(batch, SystemTime::now() + Duration::from_hours(1)).await;
    Worked::Reported(response.into_iter().map(|number| number.parse().unwrap()).min())
}
