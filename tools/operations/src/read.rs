//! Reads of whole tables, and the errors of operations.

use orders::{Order, PaymentCopy};
use orders_aws::ScannedItem;
use payments::PaymentRecord;
use quarantine::QuarantinedRecord;

use crate::Stack;
use crate::differences::{Unreadable, UnreadableSide};
use crate::stack::Resource;

/// Error of an operation.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// The physical name of a resource is needed and unknown.
    #[error("the name of {0} is not known")]
    NameMissing(Resource),
    /// The payments table could not be read or written.
    #[error(transparent)]
    Payments(#[from] payments::StoreError),
    /// The orders table could not be read or written.
    #[error(transparent)]
    Orders(#[from] orders::StoreError),
    /// The quarantine could not be read or written.
    #[error(transparent)]
    Quarantine(#[from] quarantine::QuarantineError),
    /// The hub is unknown, or cannot be reached.
    #[error(transparent)]
    Hub(#[from] crate::hub::HubError),
    /// The on-failure records could not be read.
    #[error(transparent)]
    Failures(crate::failures::FailureSourceError),
    /// Dead-lettered messages could not be published again.
    #[error(transparent)]
    DeadLetters(crate::failures::DeadLettersError),
}

/// Contents of the payments table.
#[derive(Debug, Default)]
pub struct PaymentsSide {
    /// Payments, with their outbox marks.
    pub payments: Vec<PaymentRecord>,
    /// Items that could not be decoded.
    pub unreadable: Vec<Unreadable>,
}

/// Contents of the orders table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrdersSide {
    /// Orders of all statuses.
    pub orders: Vec<Order>,
    /// Payments in the read model.
    pub copies: Vec<PaymentCopy>,
    /// Items that could not be decoded as either.
    pub unreadable: Vec<Unreadable>,
}

impl Stack {
    /// Reads all payments into memory. For small stacks only.
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

    /// Reads all orders and copies into memory. For small stacks only.
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

    /// Reads all quarantined records with their payloads into memory, newest first. For small stacks only.
    pub async fn read_quarantine(&self) -> Result<Vec<QuarantinedRecord>, OperationError> {
        let quarantine = self.quarantine()?;
        let mut records = Vec::new();
        for summary in quarantine.list(usize::MAX).await? {
            // A record that was dropped since the listing loads as `None`.
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
