//! The projection of payment events into the read model.

use std::sync::Arc;

use payment_events::{OrderId, PaymentInfo, Timestamp};

use crate::{Order, PaymentCopies, PaymentCopy, PlacedOrders, Settle, SettleError, Settled, StoreError, Stored};

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

/// Outcome of [`ProjectPayments::store`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projection {
    /// The payment was new, or replaced an older version.
    Newer {
        /// Projection lag, in milliseconds: from the change in Payments until the payment was stored.
        lag_ms: u64,
    },
    /// The stored version is the same or newer. Nothing changed.
    Stale,
}

impl ProjectPayments {
    /// Creates the use case: `copies` stores payments, `settle` finds and settles orders.
    pub fn new(copies: Arc<dyn PaymentCopies>, settle: Settle) -> Self {
        Self { copies, settle }
    }

    /// Stores the payment. The lag is measured once it is stored, by the clocks of Payments and of this machine.
    pub async fn store(&self, payment: PaymentInfo) -> Result<Projection, StoreError> {
        let copy = PaymentCopy { payment, received_at: Timestamp::now() };
        match self.copies.put_if_newer(&copy).await? {
            Stored::Newer => {
                let lag_ms = Timestamp::now().ms_since(copy.payment.updated_at);
                log(&copy.payment, lag_ms);
                Ok(Projection::Newer { lag_ms })
            }
            Stored::Stale => Ok(Projection::Stale),
        }
    }

    /// Returns the placed ones of these orders. Accepts at most [`PLACED_AT_ONCE_MAX`](crate::PLACED_AT_ONCE_MAX) ids.
    pub async fn find_placed(&self, order_ids: &[OrderId]) -> Result<PlacedOrders, StoreError> {
        self.settle.find_placed(order_ids).await
    }

    /// Settles an order returned by [`find_placed`](Self::find_placed). `None` if it is gone.
    pub async fn settle(&self, order: Order) -> Result<Option<Settled>, SettleError> {
        self.settle.settle_read(order).await
    }
}

fn log(payment: &PaymentInfo, lag_ms: u64) {
    tracing::info!(payment_id = %payment.payment_id, order_id = %payment.order_id, version = payment.version,
        status = %payment.status, lag_ms, "payment {} stored as {}", payment.payment_id, payment.status);
}
