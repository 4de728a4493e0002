//! Counts of orders by outcome.

use serde::{Deserialize, Serialize};

/// A set of orders, and the number accepted in the response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Orders in the set.
    pub orders: u64,
    /// Orders accepted in the response.
    pub accepted: u64,
}

/// Final states of a set of orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Accepted at the end.
    pub accepted: u64,
    /// On hold after having been accepted: the payment no longer covers them.
    pub on_hold: u64,
    /// Still waiting for a payment.
    pub waiting: u64,
    /// Not stored.
    pub missing: u64,
}

impl Share {
    /// Accepted share, 0 to 1; `None` if there are no orders.
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 orders")]
    pub fn part(&self) -> Option<f64> {
        (self.orders > 0).then(|| self.accepted as f64 / self.orders as f64)
    }

    pub(super) fn add(&mut self, is_accepted: bool) {
        self.orders += 1;
        self.accepted += u64::from(is_accepted);
    }
}

impl Ended {
    pub(super) fn add(&mut self, status: Option<&str>) {
        match status {
            Some("accepted") => self.accepted += 1,
            Some("on_hold") => self.on_hold += 1,
            Some(_) => self.waiting += 1,
            None => self.missing += 1,
        }
    }

    /// Number of orders.
    pub fn total(&self) -> u64 {
        self.accepted + self.on_hold + self.waiting + self.missing
    }
}
