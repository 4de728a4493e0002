//! Projecting without a stream.

use std::collections::BTreeSet;

use payment_events::{OrderId, PaymentInfo};

use crate::{PaymentCopy, ProjectPayments, SettleError};

/// What became of payments that were projected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projected {
    /// The copies that were written.
    pub stored: Vec<PaymentCopy>,
    /// How many changed nothing.
    pub stale: usize,
}

impl ProjectPayments {
    /// All the steps, one after the other and payment by payment.
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
