//! Payments, asked in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use payment_events::{OrderId, PaymentId, PaymentInfo};

use crate::{LookupError, PaymentLookup};

/// Says of each payment what it was last told, counts how often it is asked, and cannot be asked while it is told so.
#[derive(Debug, Default)]
pub struct MemoryPayments(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    payments: BTreeMap<PaymentId, PaymentInfo>,
    is_down: bool,
    asked: u32,
}

impl MemoryPayments {
    /// From now on the payment is as it is here.
    pub fn becomes(&self, payment: PaymentInfo) {
        self.state().payments.insert(payment.payment_id.clone(), payment);
    }

    /// From now on, or no longer, nobody can ask.
    pub fn is_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// How often it was asked since the last call of this.
    pub fn take_asked(&self) -> u32 {
        std::mem::take(&mut self.state().asked)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PaymentLookup for MemoryPayments {
    async fn payments_of(&self, order_id: &OrderId) -> Result<Vec<PaymentInfo>, LookupError> {
        let mut state = self.state();
        state.asked += 1;
        if state.is_down {
            let context = format!("the payments of {order_id} cannot be asked for");
            return Err(LookupError { context, retry_after_s: 7, source: "it is set to be down".into() });
        }
        Ok(state.payments.values().filter(|payment| payment.order_id == *order_id).cloned().collect())
    }
}
