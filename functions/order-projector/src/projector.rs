//! Projection of a batch.

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

/// Maximum number of concurrent lanes, and so of connections to DynamoDB. A call takes about 4 ms in DynamoDB and far
/// less than 1 ms of CPU, so more than a few dozen would only wait for the CPU.
pub const LANES_AT_ONCE_MAX: usize = 32;

/// Time reserved at the end of an invocation for work already started: a few DynamoDB calls at their timeout.
const MARGIN_MAX: Duration = Duration::from_secs(15);

/// Time reserved for the response. Work that has not finished by then is left for the redelivery.
const RESPONSE_MARGIN_MAX: Duration = Duration::from_secs(1);

/// Projects batches of payment events.
#[derive(Clone)]
pub struct Projector {
    project: ProjectPayments,
    quarantine: Arc<dyn Quarantine>,
    metrics: Metrics,
}

/// Processing of one batch.
struct Run<'a, M> {
    projector: &'a Projector,
    limits: Limits<M>,
    /// Deadline for the response.
    respond_by: Instant,
}

impl Projector {
    /// Creates the projector. Its metrics are `Projected` payments with their `ProjectionLag`, `Stale` payments, and
    /// `Quarantined` records.
    pub fn new(project: ProjectPayments, quarantine: Arc<dyn Quarantine>, metrics: Metrics) -> Self {
        Self { project, quarantine, metrics }
    }

    /// Handles a batch until shortly before `deadline`, and reports the records to redeliver.
    ///
    /// Runs the steps of [`ProjectPayments`], each on the results of the one before. Regardless of duplicates in the
    /// batch, this costs one write per payment, one key of a `BatchGetItem` per order, and one query per placed order.
    /// An order whose status changes costs one more write and query.
    pub async fn handle(&self, batch: KinesisEvent, deadline: SystemTime) -> BatchResponse {
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        // With little time left, half of it is used, so that the batch makes progress.
        let margin = MARGIN_MAX.min(left / 2);
        let run = Run {
            projector: self,
            limits: Limits { lanes_at_once_max: LANES_AT_ONCE_MAX, may_begin: before(deadline, margin) },
            respond_by: Instant::now() + left.saturating_sub(RESPONSE_MARGIN_MAX.min(left / 8)),
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
    /// Stores every payment and quarantines undecodable records.
    async fn store(&self, entries: Vec<Record<String, Entry>>) -> Processed<Outcome> {
        process_records(entries, &self.limits, async |entry: Record<String, Entry>| match entry.payload {
            Entry::Payment(event) => self.store_payment(*event, entry.sequence_number).await,
            Entry::Folded => Ok(Outcome::Folded),
            Entry::Unreadable(unreadable) => self.quarantine(&entry.key, &unreadable).await,
        })
        .await
    }

    async fn store_payment(&self, event: PaymentEvent, sequence_number: String) -> Result<Outcome, NotHandled> {
        // Continues the trace of the event.
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
        tracing::warn!(
            shard_id,
            sequence_number,
            kind,
            data_bytes,
            "record {sequence_number} of {shard_id} is undecodable and was quarantined"
        );
        Ok(Outcome::Quarantined)
    }

    /// Finds the placed orders, in calls of up to [`PLACED_AT_ONCE_MAX`] ids. A failed call is reported by the record
    /// of its first order.
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

    /// Settles placed orders.
    async fn settle(&self, placed: impl Iterator<Item = Record<String, Order>>) -> Processed<()> {
        process_records(placed, &self.limits, async |order: Record<String, Order>| {
            self.in_time(&order.key, self.projector.project.settle(order.payload)).await.map(|_| ())
        })
        .await
    }

    /// Awaits a step for an order until the deadline for the response. Logs a failure or timeout.
    async fn in_time<T, E: Error + 'static>(
        &self,
        order_id: &str,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, NotHandled> {
        let error: Box<dyn Error> = match tokio::time::timeout_at(self.respond_by, step).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => Box::new(error),
            Err(elapsed) => Box::new(elapsed),
        };
        tracing::error!(order_id, error = %WithCauses(&*error), "order {order_id} failed and will be redelivered");
        Err(NotHandled)
    }
}
