//! Reconciliation of the payments table with Orders' copies, and of orders with their copies, while all are in use.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use orders::{Evidence, OrderQueries, OrderView, StoreError};
use orders_aws::{Copies, ScannedItem};
use payment_events::{OrderId, Timestamp};
use payments::PaymentStore;
use payments_aws::PaymentsTable;
use serde::Serialize;

use crate::compare::{Compared, ComparedCounts, CopyComparison, Verdict, difference, orphan, verdict};
use crate::differences::{CopyState, Difference, DifferenceClass, Truth, Unreadable, UnreadableSide};
use crate::order_differences::{
    OrderComparison, OrderCounts, OrderDifference, OrderDifferenceClass, OrderVerdict, order_verdict,
};
use crate::progress::{OperationProgress, Watch};
use crate::read::{of_orders, of_payments};
use crate::repair::RepairReport;
use crate::republish::SentPayment;
use crate::{OperationError, Stack};

/// Payments read concurrently, one by one.
pub(crate) const READS_CONCURRENT_MAX: usize = 16;

/// Comparison and repair of a stack.
#[derive(Debug)]
pub struct Reconcile<'s> {
    pub(crate) stack: &'s Stack,
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
    /// Counts of orders per result.
    #[serde(flatten)]
    pub orders_seen: OrderCounts,
    /// Orders that do not match their payments in the read model, or need people's attention; each confirmed by a second
    /// read, sorted by order id.
    pub order_differences: Vec<OrderDifference>,
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
    /// True if there are no differences and every item could be compared. An order on hold in fulfilment is not a
    /// difference: its status is right.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty() && self.unreadable.is_empty() && self.repairable_orders().next().is_none()
    }

    /// Number of differences of this class.
    pub fn count(&self, class: DifferenceClass) -> usize {
        self.differences.iter().filter(|difference| difference.class == class).count()
    }

    /// Number of orders of this class.
    pub fn count_orders(&self, class: OrderDifferenceClass) -> usize {
        self.order_differences.iter().filter(|difference| difference.class == class).count()
    }

    /// Differences that a repair removes; those that are ahead if `repair_ahead`.
    pub fn repairable(&self, repair_ahead: bool) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(move |difference| is_repairable(difference.class, repair_ahead))
    }

    /// Orders that settling repairs.
    pub fn repairable_orders(&self) -> impl Iterator<Item = &OrderDifference> {
        self.order_differences.iter().filter(|difference| difference.class.is_repairable())
    }

    /// True if there are differences or unreadable items that a repair leaves.
    pub fn is_beyond_repair(&self, repair_ahead: bool) -> bool {
        let is_left = |difference: &Difference| !is_repairable(difference.class, repair_ahead);
        !self.unreadable.is_empty() || self.differences.iter().any(is_left)
    }

    /// Returns what a repair would do, if nothing changes until then.
    pub fn plan(&self, repair_ahead: bool) -> RepairReport {
        let mut plan = RepairReport::default();
        for difference in self.repairable(repair_ahead) {
            match difference.payments_version {
                _ if difference.class == DifferenceClass::Undecided => {
                    plan.recoveries.push(difference.payment_id.clone());
                }
                Some(0) | None => plan.copies_deleted.push(difference.payment_id.clone()),
                Some(version) => plan.payments.sent.push(SentPayment {
                    order_id: difference.order_id.clone(),
                    payment_id: difference.payment_id.clone(),
                    version,
                }),
            }
        }
        plan.orders_settled.extend(self.repairable_orders().map(|difference| difference.order_id.clone()));
        plan
    }
}

fn is_repairable(class: DifferenceClass, repair_ahead: bool) -> bool {
    class.is_repairable() || (repair_ahead && class == DifferenceClass::Ahead)
}

impl<'s> Reconcile<'s> {
    /// Prepares to reconcile this stack. Changes within the last `grace_ms` are pending.
    pub fn new(stack: &'s Stack, grace_ms: u64) -> Self {
        Self { stack, grace_ms }
    }

    /// Compares both tables. Each suspect is read a second time before it is reported.
    pub async fn compare(&self, watch: Watch<'_>) -> Result<Reconciled, OperationError> {
        let now = Timestamp::now();
        let mut comparison = CopyComparison::new(now, self.grace_ms);
        let mut order_comparison = OrderComparison::new(now, self.grace_ms);
        let mut unreadable = Vec::new();
        let mut not_compared = BTreeSet::new();
        let mut orders = self.stack.orders_scan()?;
        let (mut items, mut payments) = (0, 0);
        while let Some(page) = orders.next_page().await? {
            items += page.len() as u64;
            for item in page {
                match item {
                    Ok(item) => {
                        if let ScannedItem::Copy(copy) = &item {
                            comparison.copy(copy);
                        }
                        order_comparison.item(item);
                    }
                    Err(item) => {
                        order_comparison.unreadable(&item);
                        not_compared.extend(item.payment_id().map(str::to_owned));
                        unreadable.push(of_orders(&item));
                    }
                }
            }
            watch(OperationProgress::ReadingOrders { items });
        }
        let (mut orders_seen, order_suspects) = order_comparison.finish();
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
        let mut differences = self.look_again(suspects, &mut seen, watch).await?;
        if !self.stack.keeps_positions()? {
            differences.iter_mut().for_each(Difference::ignore_position);
        }
        let order_differences = self.look_at_orders(order_suspects, &mut orders_seen, &mut unreadable, watch).await?;
        Ok(Reconciled { seen, differences, orders_seen, order_differences, unreadable })
    }

    /// Reads each suspected order again, with its payments, in one consistent query.
    async fn look_at_orders(
        &self,
        suspects: Vec<OrderId>,
        seen: &mut OrderCounts,
        unreadable: &mut Vec<Unreadable>,
        watch: Watch<'_>,
    ) -> Result<Vec<OrderDifference>, OperationError> {
        let table = &self.stack.orders()?;
        let total = suspects.len() as u64;
        let read = async |order_id: OrderId| (table.read(&order_id).await, order_id);
        let mut reads = stream::iter(suspects).map(read).buffered(READS_CONCURRENT_MAX);
        let (mut differences, mut done) = (Vec::new(), 0);
        while let Some((view, order_id)) = reads.next().await {
            match view {
                Ok(view) => differences.extend(self.look_at_order(&view, seen)),
                Err(StoreError::Unacceptable(unacceptable)) => {
                    let key = order_id.to_string();
                    unreadable.push(Unreadable { side: UnreadableSide::Orders, key, reason: unacceptable.reason });
                }
                Err(error) => return Err(error.into()),
            }
            done += 1;
            watch(OperationProgress::LookingAgain { done, total });
        }
        Ok(differences)
    }

    fn look_at_order(&self, view: &OrderView, seen: &mut OrderCounts) -> Option<OrderDifference> {
        let (order, evidence) = (view.order.as_ref()?, Evidence::view(view));
        let verdict = order_verdict(order, evidence, Timestamp::now(), self.grace_ms);
        seen.count(verdict);
        match verdict {
            OrderVerdict::Differs(class) => Some(OrderDifference::new(class, order, evidence)),
            OrderVerdict::Settled | OrderVerdict::Pending => None,
        }
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
        // The payment for this order, or the order that the payment is for.
        let read = async || {
            let record = table.load(&payment_id).await?;
            let truth = record.as_ref().filter(|record| record.payment.order_id == order_id).map(Truth::from);
            let belongs_to = record.map(|record| record.payment.order_id).filter(|other| *other != order_id);
            Ok::<_, OperationError>((truth, belongs_to))
        };
        let (mut truth, mut belongs_to) = read().await?;
        let copy = copies.load(&order_id, &payment_id).await?.as_ref().map(CopyState::from);
        let mut found = verdict(truth.as_ref(), copy, Timestamp::now(), self.grace_ms);
        if matches!(found, Verdict::Differs(DifferenceClass::Ahead | DifferenceClass::Orphaned)) {
            (truth, belongs_to) = read().await?;
            found = verdict(truth.as_ref(), copy, Timestamp::now(), self.grace_ms);
        }
        Ok(match (found, &truth, copy) {
            (Verdict::Differs(class), Some(truth), copy) => SecondLook::Differs(difference(class, truth, copy)),
            (Verdict::Differs(_), None, Some(copy)) => {
                SecondLook::Differs(Difference { belongs_to, ..orphan(order_id, payment_id, copy) })
            }
            (verdict, ..) => SecondLook::Explained(verdict),
        })
    }
}
