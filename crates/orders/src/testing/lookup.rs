//! In-memory Payments API.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use payment_events::{OrderId, PaymentId, PaymentInfo};

use crate::{LookedUp, LookupError, PAYMENTS_MAX, PaymentLookup};

/// Payments API in memory: returns the latest state set for each payment, counts calls, and can be set to fail.
#[derive(Debug, Default)]
pub struct MemoryPayments(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    payments: BTreeMap<PaymentId, PaymentInfo>,
    is_down: bool,
    calls: u32,
}

impl MemoryPayments {
    /// Sets the state of a payment.
    pub fn becomes(&self, payment: PaymentInfo) {
        self.state().payments.insert(payment.payment_id.clone(), payment);
    }

    /// Makes every call fail from now on, or ends that.
    pub fn is_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// Returns the number of calls since the last `take_asked`.
    pub fn take_asked(&self) -> u32 {
        std::mem::take(&mut self.state().calls)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PaymentLookup for MemoryPayments {
    async fn payments_of(&self, order_id: &OrderId) -> Result<LookedUp, LookupError> {
        let mut state = self.state();
        state.calls += 1;
        if state.is_down {
            let context = format!("could not look up the payments of order {order_id}");
            return Err(LookupError { context, retry_after_s: 7, source: "the test set Payments to be down".into() });
        }
        let mut payments = state.payments.values().filter(|payment| payment.order_id == *order_id).cloned();
        let first = payments.by_ref().take(PAYMENTS_MAX).collect();
        Ok(LookedUp { payments: first, has_more: payments.next().is_some() })
    }
}
