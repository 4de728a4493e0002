//! Payments' table held against Orders' copies, while both are in use, and the repair of what does not agree.

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

/// Payments that are looked at at once.
const LOOKS_AT_ONCE_MAX: usize = 16;
/// Payments that are published between two reports of progress, and held in memory for it.
const CHUNK: usize = 200;
/// The pause between two looks at whether Orders has what was published.
const POLL: Duration = Duration::from_millis(100);

/// Compares and repairs a stack.
#[derive(Debug)]
pub struct Reconcile<'s> {
    stack: &'s Stack,
    grace_ms: u64,
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// How much there was.
    #[serde(flatten)]
    pub seen: ComparedCounts,
    /// What does not agree, each seen twice, in the order of orders and payments.
    pub differences: Vec<Difference>,
    /// What could not be compared.
    pub unreadable: Vec<Unreadable>,
}

/// Result of looking at a suspect once more.
enum SecondLook {
    /// The suspect is no difference.
    Explained(Verdict),
    /// It is.
    Differs(Difference),
}

impl Reconciled {
    /// Whether the two sides agree in all that is there.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty() && self.unreadable.is_empty()
    }

    /// How many differences there are of this class.
    pub fn count(&self, class: DifferenceClass) -> usize {
        self.differences.iter().filter(|difference| difference.class == class).count()
    }

    /// The differences that publishing again mends.
    pub fn repairable(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| difference.class.is_repairable())
    }

    /// Whether something is left that publishing again does not mend.
    pub fn is_beyond_repair(&self) -> bool {
        !self.unreadable.is_empty() || self.differences.iter().any(|difference| !difference.class.is_repairable())
    }
}

impl<'s> Reconcile<'s> {
    /// Of this stack. What Payments changed within `grace_ms` may still be on its way.
    pub fn new(stack: &'s Stack, grace_ms: u64) -> Self {
        Self { stack, grace_ms }
    }

    /// Compares all there is. Whatever does not agree is looked at a second time before it is reported.
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
        let mut looks = stream::iter(suspects).map(look).buffered(LOOKS_AT_ONCE_MAX);
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

    /// One payment, the truth read before the copy: where the copy is behind then, it really is. Where it is in front, the
    /// truth may have gone on between the two, and is read once more.
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

    /// Publishes again what that mends, as it is at Payments by then.
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
            let loads = stream::iter(chunk.iter().copied()).map(prepare).buffered(LOOKS_AT_ONCE_MAX);
            let records: Vec<_> = loads.try_collect().await?;
            let records: Vec<_> = records.into_iter().flatten().collect();
            republish.send(&records, &mut report).await;
        }
        Ok(report)
    }

    /// Waits until Orders has all of these, as of that version or a later one, for `wait_max` at most. Answers with those
    /// that it does not have.
    pub async fn wait(
        &self,
        sent: &[SentPayment],
        wait_max: Duration,
        watch: Watch<'_>,
    ) -> Result<Vec<SentPayment>, OperationError> {
        let copies = &self.stack.copies()?;
        let mut left = sent.to_vec();
        let look = async || {
            let arrived = async |sent: SentPayment| {
                let copy = copies.load(&sent.order_id, &sent.payment_id).await?;
                let has = copy.is_some_and(|copy| copy.payment.version >= sent.version);
                Ok::<_, OperationError>((!has).then_some(sent))
            };
            let looks: Vec<_> =
                stream::iter(std::mem::take(&mut left)).map(arrived).buffered(LOOKS_AT_ONCE_MAX).try_collect().await?;
            left = looks.into_iter().flatten().collect();
            watch(OperationProgress::Waiting { left: left.len() as u64 });
            Ok(left.is_empty())
        };
        let is_last = |all_arrived: &Result<bool, OperationError>| !matches!(all_arrived, Ok(false));
        Pace::within(wait_max, POLL).until(look, is_last).await?;
        Ok(left)
    }
}
