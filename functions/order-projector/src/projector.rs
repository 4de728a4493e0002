//! One batch after the other.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use orders::{Order, PLACED_AT_ONCE_MAX, ProjectPayments, Quarantine};
use payment_events::{PaymentEvent, TraceParent};
use stream_batch::{BatchResponse, KinesisEvent, Limits, NotHandled, Processed, Record, before, process_records};
use telemetry::{Metrics, WithCauses};
use tokio::time::Instant;
use tracing::Instrument;

use crate::entry::{Entry, Unreadable, fold};
use crate::metrics::write_metrics;
use crate::outcome::{Outcome, PaidOrder, paid_orders};

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
}

impl Projector {
    /// Projects with `project`, and sets aside into `quarantine` what cannot be read. Counts in `metrics`: `Projected`
    /// payments and their `ProjectionLag`, `Stale` ones that changed nothing, and `Quarantined` records.
    pub fn new(project: ProjectPayments, quarantine: Arc<dyn Quarantine>, metrics: Metrics) -> Self {
        Self { project, quarantine, metrics }
    }

    /// Handles a batch until shortly before `deadline`, and reports what is to be delivered again.
    ///
    /// The steps are those of [`ProjectPayments`], and each takes the results of the one before. However often a batch
    /// repeats itself, that is one write for each payment, one key in a read of a hundred for each order, and one query for
    /// each order that is placed. Settling that changes an order writes it, and queries it again.
    pub async fn handle(&self, batch: KinesisEvent, deadline: SystemTime) -> BatchResponse {
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        // A function with little time still uses half of it: it would never get anywhere otherwise.
        let margin = MARGIN_MAX.min(left / 2);
        let run = Run {
            projector: self,
            limits: Limits { lanes_at_once_max: LANES_AT_ONCE_MAX, may_begin: before(deadline, margin) },
            answer_by: Instant::now() + left.saturating_sub(ANSWER_MARGIN_MAX.min(left / 8)),
        };
        let entries = fold(batch.records);
        let count = entries.len();
        let Processed { handled: outcomes, mut response } = run.store(entries).await;
        let found = run.find_placed(paid_orders(&outcomes)).await;
        response.extend(found.response);
        let settled = run.settle(found.handled.into_iter().flatten()).await;
        response.extend(settled.response);
        write_metrics(&outcomes, &self.metrics);
        tracing::debug!(records = count, reported = response.batch_item_failures.len(), "batch handled");
        response
    }
}

impl<M: Fn() -> bool> Run<'_, M> {
    /// Stores every payment, and quarantines the records that cannot be read.
    async fn store(&self, entries: Vec<Record<String, Entry>>) -> Processed<Outcome> {
        process_records(entries, &self.limits, async |entry: Record<String, Entry>| match entry.payload {
            Entry::Payment(event) => self.store_payment(*event, entry.sequence_number).await,
            Entry::Folded => Ok(Outcome::Folded),
            Entry::Unreadable(unreadable) => self.quarantine(&entry.key, &unreadable).await,
        })
        .await
    }

    async fn store_payment(&self, event: PaymentEvent, sequence_number: String) -> Result<Outcome, NotHandled> {
        // The trace that the payment was made in goes on here.
        let span = tracing::info_span!("payment", trace_id = event.trace_parent().map(TraceParent::trace_id));
        let payment = event.into_payment();
        let order_id = payment.order_id.clone();
        let stored = self.projector.project.store(payment).instrument(span);
        let lag_ms = self.in_time(order_id.as_str(), stored).await?.map(|copy| copy.lag_ms());
        Ok(Outcome::Stored { order: PaidOrder { order_id, sequence_number }, lag_ms })
    }

    async fn quarantine(&self, key: &str, Unreadable { record, kind }: &Unreadable) -> Result<Outcome, NotHandled> {
        self.in_time(key, self.projector.quarantine.set_aside(record)).await?;
        let (shard_id, sequence_number) = (&record.shard_id, &record.sequence_number);
        let data_bytes = record.data.len();
        tracing::warn!(shard_id, sequence_number, kind, data_bytes, "a record that cannot be read is in quarantine");
        Ok(Outcome::Quarantined)
    }

    /// Finds the placed ones among orders that have payments, in calls of [`PLACED_AT_ONCE_MAX`]. A call that fails is
    /// reported by the first of its orders.
    async fn find_placed(&self, orders: Vec<PaidOrder>) -> Processed<Vec<Record<String, Order>>> {
        let calls = orders.chunks(PLACED_AT_ONCE_MAX).enumerate().map(|(key, orders)| {
            let sequence_number = orders[0].sequence_number.clone();
            Record { key, sequence_number, payload: orders }
        });
        process_records(calls, &self.limits, async |call: Record<usize, &[PaidOrder]>| {
            let order_ids: Vec<_> = call.payload.iter().map(|order| order.order_id.clone()).collect();
            let placed = self.in_time(order_ids[0].as_str(), self.projector.project.find_placed(&order_ids)).await?;
            let placed = placed.into_iter().filter_map(|order| {
                let paid = call.payload.iter().find(|paid| paid.order_id == order.order_id)?;
                let sequence_number = paid.sequence_number.clone();
                Some(Record { key: order.order_id.to_string(), sequence_number, payload: order })
            });
            Ok(placed.collect())
        })
        .await
    }

    /// Settles orders that are placed.
    async fn settle(&self, placed: impl Iterator<Item = Record<String, Order>>) -> Processed<()> {
        process_records(placed, &self.limits, async |order: Record<String, Order>| {
            self.in_time(&order.key, self.projector.project.settle(order.payload)).await.map(|_| ())
        })
        .await
    }

    /// Returns what a step for an order comes to. If it fails or has no time left, that is logged.
    async fn in_time<T, E: Error + 'static>(
        &self,
        order_id: &str,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, NotHandled> {
        let error: Box<dyn Error> = match tokio::time::timeout_at(self.answer_by, step).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => Box::new(error),
            Err(elapsed) => Box::new(elapsed),
        };
        tracing::error!(order_id, error = %WithCauses(&*error), "order {order_id} failed and will be redelivered");
        Err(NotHandled)
    }
}
