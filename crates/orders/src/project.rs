//! Keeping Orders' own copy of payment info.

use std::sync::Arc;

use payment_events::{OrderId, PaymentInfo, Timestamp};

use crate::{Order, OrderQueries, PaymentCopies, Settle, SettleError, StoreError, Stored, StoredPayment};

/// The use case behind the payment stream, in the steps that a batch takes together: every payment is stored, then the
/// orders of all of them are looked for, then those that are placed are settled.
///
/// The order of the steps is what settling rests on: whoever writes a payment looks for its order afterwards. An order is
/// looked for even when its payments are no news: they may be none because an earlier attempt stored them and ended before
/// it settled. When a step fails, all of them can be done again.
#[derive(Clone)]
pub struct ProjectPayments {
    copies: Arc<dyn PaymentCopies>,
    queries: Arc<dyn OrderQueries>,
    settle: Settle,
}

impl ProjectPayments {
    /// Copies into `copies`, looks for orders through `queries`, and settles them with `settle`.
    pub fn new(copies: Arc<dyn PaymentCopies>, queries: Arc<dyn OrderQueries>, settle: Settle) -> Self {
        Self { copies, queries, settle }
    }

    /// Stores the payment, and answers with the copy; with `None` where one that is as new or newer is there already.
    pub async fn store(&self, payment: PaymentInfo) -> Result<Option<StoredPayment>, StoreError> {
        let copy = StoredPayment { payment, stored_at: Timestamp::now() };
        let stored = self.copies.put_if_newer(&copy).await?;
        if stored == Stored::Newer {
            log(&copy);
        }
        Ok((stored == Stored::Newer).then_some(copy))
    }

    /// Those of these orders that are placed: at most [`PLACED_AT_ONCE_MAX`](crate::PLACED_AT_ONCE_MAX) are asked for.
    pub async fn placed(&self, order_ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        self.queries.placed(order_ids).await
    }

    /// Brings an order that was found placed in line with its payments.
    pub async fn settle(&self, order: Order) -> Result<Option<Order>, SettleError> {
        self.settle.settle_read(order).await
    }
}

fn log(copy: &StoredPayment) {
    let payment = &copy.payment;
    tracing::info!(payment_id = %payment.payment_id, order_id = %payment.order_id, version = payment.version,
        status = %payment.status, lag_ms = copy.lag_ms(), "payment {} is stored as {}", payment.payment_id, payment.status);
}
