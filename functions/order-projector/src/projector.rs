//! One batch after the other.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use orders::{Order, PLACED_AT_ONCE_MAX, ProjectPayments, Quarantine};
use payment_events::TraceParent;
use stream_batch::{
    BatchResponse, Failure, KinesisEvent, Limits, Progress, Record, Sink, before, process_lanes, process_records,
};
use telemetry::{Metrics, WithCauses};
use tokio::time::Instant;
use tracing::Instrument;

use crate::entry::{Entry, Folded, Touched, Unreadable, fold};
use crate::tally::Tally;

/// Orders that are worked on at once, which is as many connections to DynamoDB as are open. A call takes some 4 ms there and
/// far less than 1 ms here, so that more than a few dozen would only wait for the processor.
pub const LANES_AT_ONCE_MAX: usize = 32;

/// The time that is kept free at the end of an invocation, so that what is begun just before it can end: a few calls at
/// their longest.
const MARGIN_MAX: Duration = Duration::from_secs(15);

/// The time that is kept free for the answer. What has not ended by then is left for the next delivery.
const ANSWER_MARGIN_MAX: Duration = Duration::from_secs(1);

/// Projects batches of payment events.
#[derive(Clone)]
pub struct Projector {
    project: ProjectPayments,
    quarantine: Arc<dyn Quarantine>,
    metrics: Metrics,
}

/// One batch under way.
struct Run<'a, M> {
    projector: &'a Projector,
    limits: Limits<M>,
    /// When to answer at the latest.
    answer_by: Instant,
    tally: Tally,
}

impl Projector {
    /// Projects with `project`, and sets aside into `quarantine` what cannot be read. Counts in `metrics`: `Projected`
    /// payments and their `ProjectionLag`, `Stale` ones that changed nothing, and `Quarantined` records.
    pub fn new(project: ProjectPayments, quarantine: Arc<dyn Quarantine>, metrics: Metrics) -> Self {
        Self { project, quarantine, metrics }
    }

    /// Handles a batch until shortly before `deadline`, and reports what is to be delivered again.
    ///
    /// First every payment is stored and every record that cannot be read is set aside, then the orders of the payments are
    /// looked for, then those that are placed are settled. However often a batch repeats itself, that is one write for each
    /// payment, one key in a read of a hundred for each order, and one query for each order that is placed. Settling that
    /// changes an order writes it, and queries it again.
    pub async fn handle(&self, batch: KinesisEvent, deadline: SystemTime) -> BatchResponse {
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        // A function with little time still uses half of it: it would never get anywhere otherwise.
        let margin = MARGIN_MAX.min(left / 2);
        let run = Run {
            projector: self,
            limits: Limits { lanes_at_once_max: LANES_AT_ONCE_MAX, may_begin: before(deadline, margin) },
            answer_by: Instant::now() + left.saturating_sub(ANSWER_MARGIN_MAX.min(left / 8)),
            tally: Tally::default(),
        };
        let Folded { entries, touched } = fold(batch.records);
        let count = entries.len();
        let mut response = run.store(entries).await;
        let (placed, unsought) = run.seek(touched).await;
        response.extend(unsought);
        response.extend(run.settle(placed).await);
        run.tally.write(&self.metrics);
        tracing::debug!(records = count, reported = response.batch_item_failures.len(), "batch handled");
        response
    }
}

impl<M: Fn() -> bool> Run<'_, M> {
    /// Stores every payment, and sets aside what cannot be read.
    async fn store(&self, entries: Vec<Record<String, Entry>>) -> BatchResponse {
        process_records(entries, &self.limits, self, async |entry: &Record<String, Entry>| match &entry.payload {
            Entry::Payment(event) => {
                // The trace that the payment was made in goes on here.
                let trace_id = event.trace_parent().map(TraceParent::trace_id);
                let stored = self.projector.project.store(event.payment().clone());
                let stored = stored.instrument(tracing::info_span!("payment", trace_id));
                let stored = self.in_time(&entry.key, stored).await;
                let stored = stored.ok_or(Failure::Transient)?;
                self.tally.payment(&entry.key, stored.as_ref());
                Ok(())
            }
            Entry::Folded => {
                self.tally.folded();
                Ok(())
            }
            Entry::Unreadable(unreadable) => Err(Failure::Permanent(Arc::clone(unreadable))),
        })
        .await
    }

    /// Finds those orders that are placed, of those that have payments now.
    async fn seek(&self, touched: Vec<Touched>) -> (Vec<Record<String, Order>>, BatchResponse) {
        let touched = touched.into_iter().filter(|touched| self.tally.has_payment_of(touched.order_id.as_str()));
        // A lane for each call that it takes.
        let calls = touched.enumerate().map(|(place, touched)| {
            let (key, sequence_number) = (place / PLACED_AT_ONCE_MAX, touched.sequence_number.clone());
            Record { key, sequence_number, payload: touched }
        });
        let found = Mutex::new(Vec::new());
        let response = process_lanes(calls, &self.limits, async |_: &usize, touched: Vec<Touched>| {
            let order_ids: Vec<_> = touched.iter().map(|touched| touched.order_id.clone()).collect();
            let looked = self.projector.project.placed(&order_ids);
            let Some(orders) = self.in_time(order_ids[0].as_str(), looked).await else {
                return Progress::StoppedAfter(0);
            };
            let orders = orders.into_iter().filter_map(|order| {
                let touched = touched.iter().find(|touched| touched.order_id == order.order_id)?;
                let (key, sequence_number) = (order.order_id.to_string(), touched.sequence_number.clone());
                Some(Record { key, sequence_number, payload: order })
            });
            found.lock().unwrap_or_else(PoisonError::into_inner).extend(orders);
            Progress::Done
        })
        .await;
        (found.into_inner().unwrap_or_else(PoisonError::into_inner), response)
    }

    /// Settles orders that are placed.
    async fn settle(&self, placed: Vec<Record<String, Order>>) -> BatchResponse {
        process_records(placed, &self.limits, &(), async |order: &Record<String, Order>| {
            let settled = self.in_time(&order.key, self.projector.project.settle(order.payload.clone())).await;
            settled.map(|_| ()).ok_or(Failure::Transient)
        })
        .await
    }

    /// What a step for an order comes to; `None`, and a line in the log, where it fails or has no time left.
    async fn in_time<T, E: Error + 'static>(&self, key: &str, step: impl Future<Output = Result<T, E>>) -> Option<T> {
        let error: Box<dyn Error> = match tokio::time::timeout_at(self.answer_by, step).await {
            Ok(Ok(done)) => return Some(done),
            Ok(Err(error)) => Box::new(error),
            Err(elapsed) => Box::new(elapsed),
        };
        tracing::error!(order_id = key, error = %WithCauses(&*error), "order {key} is left for the next delivery");
        None
    }
}

/// The quarantine.
impl<M: Fn() -> bool> Sink<String, Entry, Arc<Unreadable>> for Run<'_, M> {
    type Error = NotSetAside;

    async fn set_aside(&self, entry: &Record<String, Entry>, unreadable: &Arc<Unreadable>) -> Result<(), NotSetAside> {
        let Unreadable { record, kind } = &**unreadable;
        self.in_time(&entry.key, self.projector.quarantine.set_aside(record)).await.ok_or(NotSetAside)?;
        self.tally.quarantined();
        let (shard_id, sequence_number) = (&record.shard_id, &record.sequence_number);
        tracing::warn!(
            shard_id,
            sequence_number,
            kind,
            data_bytes = record.data.len(),
            "a record that cannot be read is in quarantine"
        );
        Ok(())
    }
}

/// The quarantine did not take a record. It is in the log by then.
#[derive(Debug)]
struct NotSetAside;
