//! Projection without a stream.

use std::collections::BTreeSet;

use payment_events::{OrderId, PaymentInfo};

use crate::{PaymentCopy, ProjectPayments, SettleError};

/// Outcome of [`ProjectPayments::project`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projected {
    /// Payments written.
    pub stored: Vec<PaymentCopy>,
    /// Number of stale payments.
    pub stale: usize,
}

impl ProjectPayments {
    /// Runs all three steps in sequence, one payment at a time.
    pub async fn project(&self, payments: Vec<PaymentInfo>) -> Result<Projected, SettleError> {
        let orders: BTreeSet<OrderId> = payments.iter().map(|payment| payment.order_id.clone()).collect();
        let mut projected = Projected::default();
        for payment in payments {
            match self.store(payment).await? {
                Some(copy) => projected.stored.push(copy),
                None => projected.stale += 1,
            }
        }
        let orders: Vec<_> = orders.into_iter().collect();
        for order in self.find_placed(&orders).await? {
            self.settle(order).await?;
        }
        Ok(projected)
    }
}
