//! The payments that cover an order now, computed on each read and never stored.

use payment_events::{PaymentId, PaymentStatus};

use crate::{BasedOn, Decision, Price};

/// The part of an order's total that its payments cover, and the payments that do.
///
/// Only payments in the order's currency count, each with the amount that [`covering_minor`](crate::covering_minor)
/// returns. Their sum is the usable amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Payments with a usable amount, newest first, at most [`Coverage::NAMED_MAX`].
    pub covered_by: Vec<Covering>,
    /// Number of payments with a usable amount.
    pub payments: usize,
    /// The smaller of the total and the usable amount. `None` if it is unknown: payments are missing, and those known do
    /// not cover the total.
    pub covered: Option<Price>,
    /// The usable amount above the total, or zero. `None` if it is unknown, because payments are missing, or if it
    /// exceeds `i64::MAX`.
    pub overpaid: Option<Price>,
    /// True if all payments of the order are known.
    pub is_complete: bool,
}

/// A payment that covers a part of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covering {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Version of the payment.
    pub version: u64,
    /// Status of the payment in that version.
    pub status: PaymentStatus,
    /// Usable amount, in minor units of the order's currency: at least 1.
    pub minor: i64,
}

impl Coverage {
    /// Maximum number of payments that are named.
    pub const NAMED_MAX: usize = Decision::BASED_ON_MAX;

    /// Computes the coverage of `total` by these payments, each in its newest version.
    pub(crate) fn of(total: Price, payments: &[BasedOn], usable_minor: i128, is_complete: bool) -> Self {
        let mut covered_by: Vec<_> = payments.iter().filter(|payment| payment.covers_minor > 0).collect();
        let count = covered_by.len();
        covered_by.sort_by_key(|payment| payment.age_ms);
        covered_by.truncate(Self::NAMED_MAX);
        let total_minor = i128::from(total.minor());
        let price = |minor: i128| Price::new(i64::try_from(minor).ok()?, total.currency()).ok();
        let covers_total = usable_minor >= total_minor;
        Self {
            covered_by: covered_by.into_iter().map(Covering::from).collect(),
            payments: count,
            covered: price(usable_minor.min(total_minor)).filter(|_| is_complete || covers_total),
            overpaid: price(usable_minor.saturating_sub(total_minor).max(0)).filter(|_| is_complete),
            is_complete,
        }
    }
}

impl From<&BasedOn> for Covering {
    fn from(payment: &BasedOn) -> Self {
        let BasedOn { payment_id, version, status, covers_minor, .. } = payment.clone();
        Self { payment_id, version, status, minor: covers_minor }
    }
}
