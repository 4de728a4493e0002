//! Reading whole tables, and what may go wrong with it.

use orders::{Order, PaymentCopy, QuarantinedRecord};
use orders_aws::ScannedItem;
use payments::PaymentRecord;

use crate::Stack;
use crate::differences::{Unreadable, UnreadableSide};
use crate::stack::Resource;

/// Why an operation could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// A name is needed and not known.
    #[error("the name of {0} is not known")]
    NameMissing(Resource),
    /// A table did not answer, or not as one should.
    #[error(transparent)]
    Payments(#[from] payments::StoreError),
    /// A table did not answer, or not as one should.
    #[error(transparent)]
    Orders(#[from] orders::StoreError),
    /// The records of failures cannot be had.
    #[error(transparent)]
    Failures(crate::failures::FailureSourceError),
}

/// All that the table of Payments holds.
#[derive(Debug, Default)]
pub struct PaymentsSide {
    /// The payments.
    pub payments: Vec<PaymentRecord>,
    /// Items that cannot be understood.
    pub unreadable: Vec<Unreadable>,
}

/// All that a table of Orders holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrdersSide {
    /// The orders.
    pub orders: Vec<Order>,
    /// The copies of payments.
    pub copies: Vec<PaymentCopy>,
    /// What is neither.
    pub unreadable: Vec<Unreadable>,
}

impl Stack {
    /// All payments, in memory. For stacks that are known to be small.
    pub async fn read_payments(&self) -> Result<PaymentsSide, OperationError> {
        let mut side = PaymentsSide::default();
        let mut scan = self.payments_scan()?;
        while let Some(page) = scan.next_page().await? {
            for item in page {
                match item {
                    Ok(record) => side.payments.push(record),
                    Err(item) => side.unreadable.push(of_payments(item)),
                }
            }
        }
        Ok(side)
    }

    /// All orders and copies, in memory. For stacks that are known to be small.
    pub async fn read_orders(&self) -> Result<OrdersSide, OperationError> {
        let mut side = OrdersSide::default();
        let mut scan = self.orders_scan()?;
        while let Some(page) = scan.next_page().await? {
            for item in page {
                match item {
                    Ok(ScannedItem::Order(order)) => side.orders.push(*order),
                    Ok(ScannedItem::Copy(copy)) => side.copies.push(*copy),
                    Err(item) => side.unreadable.push(of_orders(&item)),
                }
            }
        }
        Ok(side)
    }

    /// All records in quarantine, whole, in memory, newest first. For stacks that are known to be small.
    pub async fn read_quarantine(&self) -> Result<Vec<QuarantinedRecord>, OperationError> {
        let quarantine = self.quarantine()?;
        let mut records = Vec::new();
        for summary in quarantine.list(usize::MAX).await? {
            // One that has been dropped meanwhile is not there any more.
            records.extend(quarantine.load(&summary.id).await?);
        }
        Ok(records)
    }
}

pub(crate) fn of_payments(item: payments_aws::UnreadableItem) -> Unreadable {
    Unreadable { side: UnreadableSide::Payments, key: item.key, reason: item.reason }
}

pub(crate) fn of_orders(item: &orders_aws::UnreadableItem) -> Unreadable {
    let key = format!("{}/{}", item.order_id, item.item);
    Unreadable { side: UnreadableSide::Orders, key, reason: item.reason.clone() }
}
