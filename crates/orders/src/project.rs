//! Keeping Orders' own copy of payment info.

use std::sync::Arc;

use payment_events::{OrderId, PaymentInfo, Timestamp};

use crate::{Order, PaymentCopies, PaymentCopy, Settle, SettleError, StoreError, Stored};

/// The use case behind the payment stream, in the three steps that a batch takes together:
///
/// 1. [`store`](Self::store) every payment.
/// 2. [`find_placed`](Self::find_placed): of the orders whose payments were stored, find those that are placed.
/// 3. [`settle`](Self::settle) each of those.
///
/// Settling rests on this sequence: whoever writes a payment looks for its order afterwards. An order is looked for even if
/// its payments are stale: an earlier attempt may have stored them and ended before it settled. If a step fails, all of them
/// can be repeated.
///
/// The caller runs each step over its batch, since how many calls are made at once, until when, and what is reported are
/// the caller's to say.
#[derive(Clone)]
pub struct ProjectPayments {
    copies: Arc<dyn PaymentCopies>,
    settle: Settle,
}

impl ProjectPayments {
    /// Copies into `copies`, and finds and settles orders with `settle`.
    pub fn new(copies: Arc<dyn PaymentCopies>, settle: Settle) -> Self {
        Self { copies, settle }
    }

    /// Stores the payment and returns the copy, or `None` if the stored copy is as new or newer.
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

    /// Those of these orders that are placed. At most [`PLACED_AT_ONCE_MAX`](crate::PLACED_AT_ONCE_MAX) are asked for.
    pub async fn find_placed(&self, order_ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        self.settle.find_placed(order_ids).await
    }

    /// Brings an order that was found placed in line with its payments.
    pub async fn settle(&self, order: Order) -> Result<Option<Order>, SettleError> {
        self.settle.settle_read(order).await
    }
}

fn log(copy: &PaymentCopy) {
    let payment = &copy.payment;
    tracing::info!(payment_id = %payment.payment_id, order_id = %payment.order_id, version = payment.version,
        status = %payment.status, lag_ms = copy.lag_ms(), "payment {} is stored as {}", payment.payment_id, payment.status);
}
