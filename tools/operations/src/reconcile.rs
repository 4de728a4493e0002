//! Reconciliation of the payments table with Orders' copies while both are in use, and repair of the differences.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use orders_aws::{Copies, ScannedItem};
use payment_events::Timestamp;
use payments::PaymentStore;
use payments_aws::PaymentsTable;
use paystream_client::Pace;
use serde::Serialize;

use crate::compare::{Compared, ComparedCounts, CopyComparison, Verdict, difference, orphan, verdict};
use crate::differences::{CopyState, Difference, DifferenceClass, Truth, Unreadable};
use crate::progress::{OperationProgress, Watch};
use crate::read::{of_orders, of_payments};
use crate::republish::{Republish, SendReport, SentPayment};
use crate::{OperationError, Stack};

/// Payments read concurrently, one by one.
const READS_CONCURRENT_MAX: usize = 16;
/// Payments held in memory and published between two progress reports.
const CHUNK: usize = 200;
/// Pause between two checks for the arrival of published payments.
const POLL: Duration = Duration::from_millis(100);

/// Comparison and repair of a stack.
#[derive(Debug)]
pub struct Reconcile<'s> {
    stack: &'s Stack,
    grace_ms: u64,
}

/// Result of [`Reconcile::compare`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Counts per result.
    #[serde(flatten)]
    pub seen: ComparedCounts,
    /// Differences, each confirmed by a second read, sorted by order id and payment id.
    pub differences: Vec<Difference>,
    /// Items that could not be decoded and were not compared.
    pub unreadable: Vec<Unreadable>,
}

/// Result of reading a suspect a second time.
enum SecondLook {
    /// No difference: the payment changed between the two reads.
    Explained(Verdict),
    /// Confirmed, with the versions of the second read.
    Differs(Difference),
}

impl Reconciled {
    /// True if there are no differences and every item could be compared.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty() && self.unreadable.is_empty()
    }

    /// Number of differences of this class.
    pub fn count(&self, class: DifferenceClass) -> usize {
        self.differences.iter().filter(|difference| difference.class == class).count()
    }

    /// Differences that publishing again repairs.
    pub fn repairable(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| difference.class.is_repairable())
    }

    /// True if there are differences or unreadable items that publishing again does not repair.
    pub fn is_beyond_repair(&self) -> bool {
        !self.unreadable.is_empty() || self.differences.iter().any(|difference| !difference.class.is_repairable())
    }
}

impl<'s> Reconcile<'s> {
    /// Prepares to reconcile this stack. Changes within the last `grace_ms` are pending.
    pub fn new(stack: &'s Stack, grace_ms: u64) -> Self {
        Self { stack, grace_ms }
    }

    /// Compares both tables. Each suspect is read a second time before it is reported.
    pub async fn compare(&self, watch: Watch<'_>) -> Result<Reconciled, OperationError> {
        let mut comparison = CopyComparison::new(Timestamp::now(), self.grace_ms);
        let mut unreadable = Vec::new();
        let mut not_compared = BTreeSet::new();
        let mut orders = self.stack.orders_scan()?;
        let (mut items, mut payments) = (0, 0);
        while let Some(page) = orders.next_page().await? {
            items += page.len() as u64;
            for item in page {
                match item {
                    Ok(ScannedItem::Copy(copy)) => comparison.copy(&copy),
                    Ok(ScannedItem::Order(_)) => {}
                    Err(item) => {
                        not_compared.extend(item.payment_id().map(str::to_owned));
                        unreadable.push(of_orders(&item));
                    }
                }
            }
            watch(OperationProgress::ReadingOrders { items });
        }
        let mut truth = self.stack.payments_scan()?;
        let about = truth.count_estimate().await.unwrap_or(0);
        while let Some(page) = truth.next_page().await? {
            payments += page.len() as u64;
            for item in page {
                match item {
                    Ok(record) => comparison.payment(&record),
                    Err(item) => {
                        not_compared.insert(item.key.clone());
                        unreadable.push(of_payments(item));
                    }
                }
            }
            watch(OperationProgress::ReadingPayments { payments, about });
        }
        let Compared { mut seen, differences: mut suspects } = comparison.finish();
        suspects.retain(|suspect| !not_compared.contains(suspect.payment_id.as_str()));
        let differences = self.look_again(suspects, &mut seen, watch).await?;
        Ok(Reconciled { seen, differences, unreadable })
    }

    async fn look_again(
        &self,
        suspects: Vec<Difference>,
        seen: &mut ComparedCounts,
        watch: Watch<'_>,
    ) -> Result<Vec<Difference>, OperationError> {
        let (table, copies) = (&self.stack.payments()?, &self.stack.copies()?);
        let total = suspects.len() as u64;
        let look = |suspect| self.look(table, copies, suspect);
        let mut looks = stream::iter(suspects).map(look).buffered(READS_CONCURRENT_MAX);
        let (mut differences, mut done) = (Vec::new(), 0);
        while let Some(look) = looks.try_next().await? {
            match look {
                SecondLook::Explained(verdict) => seen.count(verdict),
                SecondLook::Differs(difference) => differences.push(difference),
            }
            done += 1;
            watch(OperationProgress::LookingAgain { done, total });
        }
        Ok(differences)
    }

    /// Reads a suspect again, payment before copy: a copy that is then behind is a real difference. If the copy is
    /// ahead, the payment may have changed between the two reads, so the payment is read once more.
    async fn look(
        &self,
        table: &PaymentsTable,
        copies: &Copies,
        suspect: Difference,
    ) -> Result<SecondLook, OperationError> {
        let Difference { order_id, payment_id, .. } = suspect;
        let read = async || {
            let record = table.load(&payment_id).await?.filter(|record| record.payment.order_id == order_id);
            Ok::<_, OperationError>(record.as_ref().map(Truth::from))
        };
        let mut truth = read().await?;
        let copy = copies.load(&order_id, &payment_id).await?.as_ref().map(CopyState::from);
        let mut found = verdict(truth.as_ref(), copy, Timestamp::now(), self.grace_ms);
        if matches!(found, Verdict::Differs(DifferenceClass::Ahead | DifferenceClass::Orphaned)) {
            truth = read().await?;
            found = verdict(truth.as_ref(), copy, Timestamp::now(), self.grace_ms);
        }
        Ok(match (found, &truth, copy) {
            (Verdict::Differs(class), Some(truth), copy) => SecondLook::Differs(difference(class, truth, copy)),
            (Verdict::Differs(_), None, Some(copy)) => SecondLook::Differs(orphan(order_id, payment_id, copy)),
            (verdict, ..) => SecondLook::Explained(verdict),
        })
    }

    /// Publishes the payments of all repairable differences, at their current version. A copy with different content is
    /// first set back by one version, so that the projector replaces it.
    pub async fn repair(&self, found: &Reconciled, watch: Watch<'_>) -> Result<SendReport, OperationError> {
        let republish = Republish::new(self.stack)?;
        let copies = self.stack.copies()?;
        let repairable: Vec<_> = found.repairable().collect();
        let total = repairable.len() as u64;
        let mut report = SendReport::default();
        let (table, copies) = (republish.table(), &copies);
        let prepare = async |difference: &Difference| {
            let Difference { order_id, payment_id, .. } = difference;
            if let (DifferenceClass::Different, Some(version)) = (difference.class, difference.orders_version) {
                copies.make_older(order_id, payment_id, version).await?;
            }
            Ok::<_, OperationError>(table.load(payment_id).await?)
        };
        for (chunk, done) in repairable.chunks(CHUNK).zip((0..).step_by(CHUNK)) {
            watch(OperationProgress::Publishing { done, total });
            let loads = stream::iter(chunk.iter().copied()).map(prepare).buffered(READS_CONCURRENT_MAX);
            let records: Vec<_> = loads.try_collect().await?;
            let records: Vec<_> = records.into_iter().flatten().collect();
            republish.send(&records, &mut report).await;
        }
        Ok(report)
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
