//! Projection of a batch.

use std::cell::Cell;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use orders::{
    Incomplete, PLACED_AT_ONCE_MAX, PlacedOrders, ProjectPayments, SettleError, Settled, StoreError, Unacceptable,
};
use payment_events::TraceParent;
use quarantine::{Quarantine, QuarantinedRecord, Reason};
use stream_batch::{
    BatchFailed, BatchResponse, HubEvent, HubPosition, ItemIdentifier, Limits, NotHandled, Processed, Record, before,
    process_records,
};
use telemetry::{Metrics, WithCauses};
use tokio::time::Instant;
use tracing::Instrument;

use crate::entry::{Entry, HubEntry, Undecodable, Version, fold, quarantined, unsettled};
use crate::metrics::write_metrics;
use crate::outcome::{Outcome, PaidOrder, PlacedOrder, Settlement, paid_orders};
use crate::record::records_of;

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
    /// Number of records quarantined so far.
    quarantined: Cell<usize>,
}

impl Projector {
    /// Creates the projector. Its metrics are `Projected` payments with their `ProjectionLag`, `Stale` payments,
    /// `Quarantined` records, and `IncompleteOrders`.
    pub fn new(project: ProjectPayments, quarantine: Arc<dyn Quarantine>, metrics: Metrics) -> Self {
        Self { project, quarantine, metrics }
    }

    /// Handles a batch until shortly before `deadline`, and reports the records to redeliver. The error means that the whole
    /// batch must be redelivered, because its hub has no partial responses (RabbitMQ), or a Kafka record no offset.
    ///
    /// Runs the steps of [`ProjectPayments`], each on the results of the one before. Regardless of duplicates in the
    /// batch, this costs one write per payment, one key of a `BatchGetItem` per order, and one query per placed order.
    /// An order whose status changes costs one more write and query.
    pub async fn handle(
        &self,
        batch: HubEvent,
        deadline: SystemTime,
    ) -> Result<BatchResponse<HubPosition>, BatchFailed> {
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        // With little time left, half of it is used, so that the batch makes progress.
        let margin = MARGIN_MAX.min(left.checked_div(2).unwrap_or_default());
        let run = Run {
            projector: self,
            limits: Limits { lanes_at_once_max: LANES_AT_ONCE_MAX, may_begin: before(deadline, margin) },
            respond_by: deadline_in(
                left.saturating_sub(RESPONSE_MARGIN_MAX.min(left.checked_div(8).unwrap_or_default())),
            ),
            quarantined: Cell::new(0),
        };
        let entries = fold(records_of(batch));
        let count = entries.len();
        let Processed { handled: outcomes, mut response } = run.store(entries).await;
        let found = run.find_placed(paid_orders(&outcomes)).await;
        response.extend(found.response);
        let settled = run.settle(found.handled.into_iter().flatten()).await;
        response.extend(settled.response);
        write_metrics(&outcomes, &settled.handled, run.quarantined.into_inner(), &self.metrics);
        tracing::debug!(records = count, reported = response.batch_item_failures.len(), "batch handled");
        response.for_hub()
    }
}

impl<M: Fn() -> bool> Run<'_, M> {
    /// Stores every payment and quarantines undecodable records.
    async fn store(&self, entries: Vec<HubEntry>) -> Processed<Outcome, HubPosition> {
        process_records(entries, &self.limits, async |entry: HubEntry| match entry.payload {
            Entry::Payment(versions) => self.store_payment(versions, entry.identifier).await,
            Entry::Folded => Ok(Outcome::Folded),
            Entry::Undecodable(Undecodable { record, kind, reason }) => {
                self.quarantine(quarantined(&record, reason), kind).await.map(|()| Outcome::Quarantined)
            }
        })
        .await
    }

    /// Stores the newest version that can be stored. Quarantines those that cannot be.
    async fn store_payment(&self, versions: Vec<Version>, position: HubPosition) -> Result<Outcome, NotHandled> {
        for Version { event, record } in versions {
            // Continues the trace of the event.
            let span = tracing::info_span!("payment", trace_id = event.trace_parent().map(TraceParent::trace_id));
            let payment = event.into_payment();
            let order_id = payment.order_id.clone();
            let stored = self.projector.project.store(payment).instrument(span);
            match self.in_time(order_id.as_str(), stored).await? {
                Ok(projection) => {
                    return Ok(Outcome::Stored { order: PaidOrder { order_id, position, record }, projection });
                }
                Err(StoreError::Unacceptable(Unacceptable { reason })) => {
                    self.quarantine(quarantined(&record, Reason::new(&reason)), "unacceptable").await?;
                }
                Err(unavailable) => return Err(not_handled(order_id.as_str(), &unavailable)),
            }
        }
        Ok(Outcome::Quarantined)
    }

    async fn quarantine(&self, record: QuarantinedRecord, kind: &'static str) -> Result<(), NotHandled> {
        let (id, key, data_bytes) = (&record.id, &record.partition_key, record.data.len());
        let stored = self.in_time(key, self.projector.quarantine.store(&record)).await?;
        stored.map_err(|error| not_handled(key, &error))?;
        self.quarantined.set(self.quarantined.get().saturating_add(1));
        tracing::warn!(%id, kind, data_bytes, "record {id} was quarantined: {kind}");
        Ok(())
    }

    /// Finds the placed orders, in calls of up to [`PLACED_AT_ONCE_MAX`] ids. A failed call is reported by the record
    /// of its first order, so the orders of a call have records with the same checkpoint.
    async fn find_placed(&self, orders: Vec<PaidOrder>) -> Processed<Vec<PlacedOrder>, HubPosition> {
        let partitions = orders.chunk_by(|one, other| one.position.shares_checkpoint_with(&other.position));
        let calls = partitions.flat_map(|orders| orders.chunks(PLACED_AT_ONCE_MAX)).enumerate();
        let calls = calls.filter_map(|(key, orders)| {
            let identifier = orders.first()?.position.clone();
            Some(Record { key, identifier, payload: orders })
        });
        process_records(calls, &self.limits, async |call: Record<usize, &[PaidOrder], HubPosition>| {
            let order_ids: Vec<_> = call.payload.iter().map(|order| order.order_id.clone()).collect();
            let first = call.payload.first().map_or("", |order| order.order_id.as_str());
            let placed = self.in_time(first, self.projector.project.find_placed(&order_ids)).await?;
            let PlacedOrders { orders, unreadable } = placed.map_err(|error| not_handled(first, &error))?;
            let readable = orders.into_iter().map(|order| (order.order_id.clone(), Ok(order)));
            let unreadable = unreadable.into_iter().map(|(order_id, reason)| (order_id, Err(reason)));
            let placed = readable.chain(unreadable).filter_map(|(order_id, order)| {
                let paid = call.payload.iter().find(|paid| paid.order_id == order_id)?;
                Some(PlacedOrder { paid: paid.clone(), order })
            });
            Ok(placed.collect())
        })
        .await
    }

    /// Settles placed orders. Quarantines a record of each that cannot be settled.
    async fn settle(&self, placed: impl Iterator<Item = PlacedOrder>) -> Processed<Settlement, HubPosition> {
        let placed = placed.map(|placed| Record {
            key: placed.paid.order_id.to_string(),
            identifier: placed.paid.position.clone(),
            payload: placed,
        });
        process_records(placed, &self.limits, async |record: Record<String, PlacedOrder, HubPosition>| {
            let PlacedOrder { paid, order } = record.payload;
            let settled = match order {
                Ok(order) => self.in_time(&record.key, self.projector.project.settle(order)).await?,
                Err(unacceptable) => Err(StoreError::from(unacceptable).into()),
            };
            let reason = match settled {
                Ok(None | Some(Settled { incomplete: None, .. })) => return Ok(Settlement::Settled),
                Ok(Some(Settled { incomplete: Some(Incomplete::TooMany), .. })) => return Ok(Settlement::Incomplete),
                Ok(Some(Settled { incomplete: Some(Incomplete::Unreadable(unacceptable)), .. }))
                | Err(SettleError::Store(StoreError::Unacceptable(unacceptable))) => unacceptable.reason,
                Err(error) => return Err(not_handled(&record.key, &error)),
            };
            let reason = Reason::new(&format!("order {} cannot be settled: {reason}", paid.order_id));
            self.quarantine(unsettled(&paid.order_id, &paid.record, reason), "unsettled").await?;
            Ok(Settlement::Quarantined)
        })
        .await
    }

    /// Awaits a step for an order until the deadline for the response. Logs a timeout.
    async fn in_time<T>(&self, order_id: &str, step: impl Future<Output = T>) -> Result<T, NotHandled> {
        tokio::time::timeout_at(self.respond_by, step).await.map_err(|elapsed| not_handled(order_id, &elapsed))
    }
}

/// Longest invocation that Lambda allows.
const INVOCATION_MAX: Duration = Duration::from_mins(15);

/// Returns the point in time after `left`, which is bounded so that no clock overflows.
fn deadline_in(left: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(left.min(INVOCATION_MAX)).unwrap_or(now)
}

/// Logs a failure that a redelivery may overcome.
fn not_handled(order_id: &str, error: &(dyn Error + 'static)) -> NotHandled {
    tracing::error!(order_id, error = %WithCauses(error), "order {order_id} failed and will be redelivered");
    NotHandled
}
