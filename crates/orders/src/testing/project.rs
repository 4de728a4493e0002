//! Projection without a stream.

use std::collections::BTreeSet;

use payment_events::{OrderId, PaymentInfo};

use crate::{ProjectPayments, Projection, SettleError};

impl ProjectPayments {
    /// Runs all three steps in sequence, one payment at a time. Returns the outcome of each payment.
    pub async fn project(&self, payments: Vec<PaymentInfo>) -> Result<Vec<Projection>, SettleError> {
        let orders: BTreeSet<OrderId> = payments.iter().map(|payment| payment.order_id.clone()).collect();
        let mut projections = Vec::new();
        for payment in payments {
            projections.push(self.store(payment).await?);
        }
        let orders: Vec<_> = orders.into_iter().collect();
        for order in self.find_placed(&orders).await?.orders {
            self.settle(order).await?;
        }
        Ok(projections)
    }
}
