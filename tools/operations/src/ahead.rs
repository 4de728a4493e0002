//! Repair of copies that are ahead, where Payments' table is the truth.

use orders::{Decision, Order, OrderQueries, OrderStore, Replaced, Settle, SettleError};
use orders_aws::{Copies, OrdersTable};
use payment_events::{OrderId, PaymentId, Timestamp};

/// Makes Orders accept an earlier version of a payment than it has.
///
/// Two items remember the later version: the copy, and the decision of the order, in which the newest version counts.
/// The copy goes first. A settlement in between takes the later version from the old decision only, and that is then
/// changed under the revision it has.
#[derive(Debug)]
pub(crate) struct AheadRepair {
    pub(crate) orders: OrdersTable,
    pub(crate) copies: Copies,
}

impl AheadRepair {
    /// Lowers the copy of `orders_version`, so that publishing `truth_version` replaces it. With `truth_version` 0,
    /// Payments has published nothing, and the copy is deleted. Changes no copy of another version.
    pub(crate) async fn make_room(
        &self,
        order_id: &OrderId,
        payment_id: &PaymentId,
        orders_version: u64,
        truth_version: u64,
    ) -> Result<(), SettleError> {
        match truth_version.checked_sub(1) {
            Some(lower) if lower < orders_version => {
                self.copies.lower(order_id, payment_id, orders_version, lower).await?;
            }
            Some(_) => return Ok(()),
            None => self.copies.delete(order_id, payment_id, orders_version).await?,
        }
        self.forget(order_id, payment_id, truth_version).await
    }

    /// Removes later versions of the payment from the order's decision.
    async fn forget(&self, order_id: &OrderId, payment_id: &PaymentId, version: u64) -> Result<(), SettleError> {
        for _ in 0..Settle::ROUNDS_MAX {
            let Some(order) = self.orders.read(order_id).await?.order else { return Ok(()) };
            let revision = order.revision;
            let Some(changed) = without(order, payment_id, version) else { return Ok(()) };
            if self.orders.replace(&changed, revision).await? == Replaced::Done {
                return Ok(());
            }
        }
        Err(SettleError::Contended { order_id: order_id.clone() })
    }
}

/// Returns the next revision of the order without later versions of the payment, or `None` if it has none.
fn without(order: Order, payment_id: &PaymentId, version: u64) -> Option<Order> {
    let Decision { based_on, .. } = &order.decision;
    let is_later = |known: &orders::BasedOn| known.payment_id == *payment_id && known.version > version;
    if !based_on.iter().any(is_later) {
        return None;
    }
    let based_on = based_on.iter().filter(|known| !is_later(known)).cloned().collect();
    Some(Order {
        revision: order.revision.saturating_add(1),
        updated_at: Timestamp::now().max(order.updated_at),
        decision: Decision { based_on, ..order.decision },
        ..order
    })
}
