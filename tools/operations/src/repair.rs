//! Repair of the differences that [`Reconcile`] finds.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use orders::{Incomplete, Settled};
use payment_events::{OrderId, PaymentId};
use payments::{PaymentRecord, PaymentStore, Status};
use payments_aws::PaymentsTable;
use paystream_client::Pace;
use serde::Serialize;
use telemetry::WithCauses;

use crate::OperationError;
use crate::ahead::AheadRepair;
use crate::differences::{Difference, DifferenceClass, Truth};
use crate::progress::{OperationProgress, Watch};
use crate::reconcile::{READS_CONCURRENT_MAX, Reconcile, Reconciled};
use crate::republish::{From, NotSent, Republish, SendReport, SentPayment};
use crate::undecided::{NotRequested, request_recovery};

/// Payments held in memory and published between two progress reports.
const CHUNK: usize = 200;
/// Pause between two checks for the arrival of published payments.
const POLL: Duration = Duration::from_millis(100);
/// Longest pause between two checks for a decision, which takes minutes.
const POLL_MAX: Duration = Duration::from_secs(2);

/// Result of [`Reconcile::repair`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RepairReport {
    /// Payments that were published, and those that could not be.
    #[serde(flatten)]
    pub payments: SendReport,
    /// Copies that were deleted, because Payments has published no version of the payment.
    pub copies_deleted: Vec<PaymentId>,
    /// Undecided payments that were put on the change stream again, for `payment-recovery`.
    pub recoveries: Vec<PaymentId>,
    /// Undecided payments for which that failed.
    pub recoveries_not_requested: Vec<NotSent>,
    /// Orders that were settled.
    pub orders_settled: Vec<OrderId>,
    /// Orders that could not be settled.
    pub orders_not_settled: Vec<NotSent>,
    /// Orders of published payments. The projector settles them when the payments arrive.
    pub orders_awaiting: Vec<OrderId>,
}

impl RepairReport {
    /// True if nothing failed.
    pub fn is_complete(&self) -> bool {
        self.payments.not_sent.is_empty()
            && self.recoveries_not_requested.is_empty()
            && self.orders_not_settled.is_empty()
    }
}

impl Reconcile<'_> {
    /// Publishes the payments of all repairable differences, at their current version, and settles the orders that do not
    /// match their payments.
    ///
    /// A copy with different content is first set back by one version, so that the projector replaces it. With
    /// `repair_ahead`, so is a copy that is ahead, and the order forgets the later version: Payments' table is the truth.
    /// An order of a published payment is left to the projector, which settles it when the payment arrives: settling it
    /// earlier would decide on a copy that is about to be replaced.
    ///
    /// An undecided payment is left to `payment-recovery`, whose change stream it is put on again.
    pub async fn repair(
        &self,
        found: &Reconciled,
        repair_ahead: bool,
        watch: Watch<'_>,
    ) -> Result<RepairReport, OperationError> {
        let republish = Republish::new(self.stack)?;
        let room = AheadRepair { orders: self.stack.orders()?, copies: self.stack.copies()? };
        let is_undecided = |difference: &&Difference| difference.class == DifferenceClass::Undecided;
        let (undecided, repairable): (Vec<_>, Vec<_>) = found.repairable(repair_ahead).partition(is_undecided);
        let total = repairable.len() as u64;
        let mut report = RepairReport::default();
        self.request_recoveries(&undecided, republish.table(), &mut report).await;
        let prepare = async |difference| (prepare(republish.table(), &room, difference).await, difference);
        for (chunk, done) in repairable.chunks(CHUNK).zip((0..).step_by(CHUNK)) {
            watch(OperationProgress::Publishing { done, total });
            let prepared = stream::iter(chunk.iter().copied()).map(prepare).buffered(READS_CONCURRENT_MAX);
            let mut records = Vec::with_capacity(chunk.len());
            for (prepared, difference) in prepared.collect::<Vec<_>>().await {
                match prepared {
                    Ok(Some(record)) if record.payment.status != Status::Processing => records.push(record),
                    Ok(Some(_)) => report.copies_deleted.push(difference.payment_id.clone()),
                    Ok(None) => {}
                    Err(reason) => {
                        report.payments.not_sent.push(NotSent { id: difference.payment_id.to_string(), reason });
                    }
                }
            }
            republish.send(&records, From::Position, &mut report.payments).await;
        }
        let awaiting: BTreeSet<_> = report.payments.sent.iter().map(|sent| &sent.order_id).collect();
        let deleted = repairable.iter().filter(|difference| report.copies_deleted.contains(&difference.payment_id));
        let unsettled = found.repairable_orders().map(|difference| &difference.order_id);
        let due = unsettled.chain(deleted.map(|difference| &difference.order_id));
        let due: BTreeSet<_> = due.filter(|order_id| !awaiting.contains(*order_id)).cloned().collect();
        report.orders_awaiting = awaiting.into_iter().cloned().collect();
        self.settle(due, &mut report).await?;
        Ok(report)
    }

    async fn request_recoveries(&self, undecided: &[&Difference], table: &PaymentsTable, report: &mut RepairReport) {
        let request = async |difference: &Difference| {
            let requested = match table.load(&difference.payment_id).await {
                Ok(Some(record)) if record.payment.status == Status::Processing => {
                    request_recovery(table, &record).await
                }
                Ok(_) => Ok(()),
                Err(error) => Err(NotRequested::Store(error)),
            };
            (requested, difference.payment_id.clone())
        };
        let mut requests = stream::iter(undecided.iter().copied()).map(request).buffered(READS_CONCURRENT_MAX);
        while let Some((requested, payment_id)) = requests.next().await {
            match requested {
                Ok(()) => report.recoveries.push(payment_id),
                Err(error) => {
                    let reason = WithCauses(&error).to_string();
                    report.recoveries_not_requested.push(NotSent { id: payment_id.to_string(), reason });
                }
            }
        }
    }

    /// Settles the orders that a repair left to the projector, after their payments have arrived.
    pub async fn settle_awaiting(&self, report: &mut RepairReport) -> Result<(), OperationError> {
        let due = std::mem::take(&mut report.orders_awaiting);
        self.settle(due, report).await
    }

    /// Settles orders. Those that are not placed need no settlement.
    async fn settle(
        &self,
        due: impl IntoIterator<Item = OrderId>,
        report: &mut RepairReport,
    ) -> Result<(), OperationError> {
        let settle = &self.stack.settle()?;
        let settling = async |order_id: OrderId| (settle.settle(&order_id, None).await, order_id);
        let mut settled = stream::iter(due).map(settling).buffered(READS_CONCURRENT_MAX);
        while let Some((result, order_id)) = settled.next().await {
            let reason = match result {
                Ok(Some(Settled { incomplete: Some(Incomplete::Unreadable(unacceptable)), .. })) => unacceptable.reason,
                Ok(Some(_)) => {
                    report.orders_settled.push(order_id);
                    continue;
                }
                Ok(None) => continue,
                Err(error) => WithCauses(&error).to_string(),
            };
            report.orders_not_settled.push(NotSent { id: order_id.to_string(), reason });
        }
        Ok(())
    }

    /// Waits until all of these payments are decided or erased, for `wait_max` at most. Returns those that are not.
    pub async fn wait_for_decisions(
        &self,
        processing: &[PaymentId],
        wait_max: Duration,
    ) -> Result<Vec<PaymentId>, OperationError> {
        let table = &self.stack.payments()?;
        let mut left = processing.to_vec();
        let check = async || {
            let processing = async |payment_id: PaymentId| {
                let record = table.load(&payment_id).await?;
                let is_processing = record.is_some_and(|record| record.payment.status == Status::Processing);
                Ok::<_, OperationError>(is_processing.then_some(payment_id))
            };
            let checked: Vec<_> = stream::iter(std::mem::take(&mut left))
                .map(processing)
                .buffered(READS_CONCURRENT_MAX)
                .try_collect()
                .await?;
            left = checked.into_iter().flatten().collect();
            Ok(left.is_empty())
        };
        let is_last = |all_decided: &Result<bool, OperationError>| !matches!(all_decided, Ok(false));
        Pace::within(wait_max, POLL).doubling(POLL_MAX).until(check, is_last).await?;
        Ok(left)
    }

    /// Waits until Orders has all of these payments at that version or a later one, for `wait_max` at most. Returns
    /// those that it does not have by then.
    pub async fn wait(
        &self,
        sent: &[SentPayment],
        wait_max: Duration,
        watch: Watch<'_>,
    ) -> Result<Vec<SentPayment>, OperationError> {
        let copies = &self.stack.copies()?;
        let mut left = sent.to_vec();
        let check = async || {
            let missing = async |sent: SentPayment| {
                let copy = copies.load(&sent.order_id, &sent.payment_id).await?;
                let has = copy.is_some_and(|copy| copy.payment.version >= sent.version);
                Ok::<_, OperationError>((!has).then_some(sent))
            };
            let checked: Vec<_> = stream::iter(std::mem::take(&mut left))
                .map(missing)
                .buffered(READS_CONCURRENT_MAX)
                .try_collect()
                .await?;
            left = checked.into_iter().flatten().collect();
            watch(OperationProgress::Waiting { left: left.len() as u64 });
            Ok(left.is_empty())
        };
        let is_last = |all_arrived: &Result<bool, OperationError>| !matches!(all_arrived, Ok(false));
        Pace::within(wait_max, POLL).until(check, is_last).await?;
        Ok(left)
    }
}

/// Makes room in Orders for the current version of a payment, if publishing it would not replace the copy. Returns the
/// payment, or `None` if Payments no longer has it.
async fn prepare(
    table: &PaymentsTable,
    room: &AheadRepair,
    difference: &Difference,
) -> Result<Option<PaymentRecord>, String> {
    let Difference { class, order_id, payment_id, orders_version, .. } = difference;
    let record = table.load(payment_id).await.map_err(|error| WithCauses(&error).to_string())?;
    let record = record.filter(|record| record.payment.order_id == *order_id);
    let (Some(truth), Some(orders_version)) = (record.as_ref().map(Truth::from), *orders_version) else {
        return Ok(record);
    };
    let made = match class {
        DifferenceClass::Different => {
            let lower = orders_version.saturating_sub(1);
            let lowered = room.copies.lower(order_id, payment_id, orders_version, lower).await;
            lowered.map_err(|error| WithCauses(&error).to_string())
        }
        DifferenceClass::Ahead => {
            let made = room.make_room(order_id, payment_id, orders_version, truth.version).await;
            made.map_err(|error| WithCauses(&error).to_string())
        }
        _ => Ok(()),
    };
    made.map(|()| record)
}
