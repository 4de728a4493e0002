//! Keeping Orders' own copy of payment info.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use payment_events::{OrderId, PaymentId, PaymentInfo, Timestamp};

use crate::{PaymentCopies, Settle, SettleError, Stored, StoredPayment};

/// The use case behind the payment stream.
#[derive(Clone)]
pub struct ProjectPayments {
    copies: Arc<dyn PaymentCopies>,
    settle: Settle,
}

/// What became of payments that were projected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projected {
    /// The copies that were written.
    pub stored: Vec<StoredPayment>,
    /// How many changed nothing: as new or newer ones were there, or came with them.
    pub stale: usize,
}

impl ProjectPayments {
    /// Copies into `copies`, and settles with `settle`.
    pub fn new(copies: Arc<dyn PaymentCopies>, settle: Settle) -> Self {
        Self { copies, settle }
    }

    /// Stores the newest version of each payment and settles each order they pay for. When this fails, all of it can be
    /// done again.
    ///
    /// An order is settled even when its payments are no news: they may be none because an earlier attempt stored them
    /// and ended before it settled.
    pub async fn project(&self, payments: Vec<PaymentInfo>) -> Result<Projected, SettleError> {
        let count = payments.len();
        let orders: BTreeSet<OrderId> = payments.iter().map(|payment| payment.order_id.clone()).collect();
        let mut stored = Vec::new();
        for payment in newest(payments) {
            let copy = StoredPayment { payment, stored_at: Timestamp::now() };
            if self.copies.put_if_newer(&copy).await? == Stored::Newer {
                log(&copy);
                stored.push(copy);
            }
        }
        for order_id in &orders {
            self.settle.settle(order_id).await?;
        }
        let stale = count - stored.len();
        Ok(Projected { stored, stale })
    }
}

/// The newest version of each payment.
fn newest(payments: Vec<PaymentInfo>) -> Vec<PaymentInfo> {
    let mut newest: BTreeMap<(OrderId, PaymentId), PaymentInfo> = BTreeMap::new();
    for payment in payments {
        let key = (payment.order_id.clone(), payment.payment_id.clone());
        if newest.get(&key).is_none_or(|known| known.version < payment.version) {
            newest.insert(key, payment);
        }
    }
    newest.into_values().collect()
}

fn log(copy: &StoredPayment) {
    let payment = &copy.payment;
    tracing::info!(payment_id = %payment.payment_id, order_id = %payment.order_id, version = payment.version,
        status = %payment.status, lag_ms = copy.lag_ms(), "payment {} is stored as {}", payment.payment_id, payment.status);
}
