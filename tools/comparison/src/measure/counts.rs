//! Orders, counted by what became of them.

use serde::{Deserialize, Serialize};

/// Some orders, and how many of them were accepted at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// How many there were.
    pub orders: u64,
    /// Of these, accepted in the answer.
    pub accepted: u64,
}

/// Where orders ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Accepted.
    pub accepted: u64,
    /// Accepted once, and then on hold: the payment does not cover them any more.
    pub on_hold: u64,
    /// Waiting for a payment.
    pub waiting: u64,
    /// Not there.
    pub missing: u64,
}

impl Share {
    /// The part that was accepted; none where there were no orders.
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

    /// All of them.
    pub fn total(&self) -> u64 {
        self.accepted + self.on_hold + self.waiting + self.missing
    }
}
