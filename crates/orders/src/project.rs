//! The projection of payment events into the read model.

use std::sync::Arc;

use payment_events::{OrderId, PaymentInfo, Timestamp};

use crate::{Order, PaymentCopies, PaymentCopy, Settle, SettleError, StoreError, Stored};

/// The use case behind the payment stream, in three steps per batch:
///
/// 1. [`store`](Self::store) every payment.
/// 2. [`find_placed`](Self::find_placed): find the orders of these payments that are placed.
/// 3. [`settle`](Self::settle) each of those orders.
///
/// The sequence matters: the order is read after its payment was written. Steps 2 and 3 run for stale payments, too: an
/// earlier attempt may have stored the payment and died before it settled the order. All steps can be repeated.
///
/// The caller runs each step over its batch, because it decides on concurrency, the deadline and the metrics.
#[derive(Clone)]
pub struct ProjectPayments {
    copies: Arc<dyn PaymentCopies>,
    settle: Settle,
}

impl ProjectPayments {
    /// Creates the use case: `copies` stores payments, `settle` finds and settles orders.
    pub fn new(copies: Arc<dyn PaymentCopies>, settle: Settle) -> Self {
        Self { copies, settle }
    }

    /// Stores the payment and returns it as stored, or returns `None` if the stored version is the same or newer.
    pub async fn store(&self, payment: PaymentInfo) -> Result<Option<PaymentCopy>, StoreError> {
        let copy = PaymentCopy { payment, stored_at: Timestamp::now() };
        match self.copies.put_if_newer(&copy).await? {
            Stored::Newer => {
                log(&copy);
                Ok(Some(copy))
            }
            Stored::Stale => Ok(None),
        }
    }

    /// Returns the placed ones of these orders. Accepts at most [`PLACED_AT_ONCE_MAX`](crate::PLACED_AT_ONCE_MAX) ids.
    pub async fn find_placed(&self, order_ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        self.settle.find_placed(order_ids).await
    }

    /// Settles an order returned by [`find_placed`](Self::find_placed).
    pub async fn settle(&self, order: Order) -> Result<Option<Order>, SettleError> {
        self.settle.settle_read(order).await
    }
}

fn log(copy: &PaymentCopy) {
    let payment = &copy.payment;
    tracing::info!(payment_id = %payment.payment_id, order_id = %payment.order_id, version = payment.version,
        status = %payment.status, lag_ms = copy.lag_ms(), "payment {} stored as {}", payment.payment_id, payment.status);
}
