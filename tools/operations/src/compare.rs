//! Comparison of payments with Orders' copies. Pure functions, no I/O.
//!
//! Both tables change while they are read. Orders' copies are read first, payments second. Versions only grow, and a
//! copy is never newer than its payment was when the copy was read. So a copy that is *ahead* of a payment read later,
//! or that is *orphaned*, is a real difference. In the opposite order, a payment that is created and copied between the
//! two reads would look orphaned.
//!
//! The chosen order has one false positive: a payment that changes between the two reads makes its copy look *missing*
//! or *stale*. [`Reconcile`](crate::Reconcile) therefore reads these suspects again in the opposite order, payment
//! first.
//!
//! A payment that is processing is *undecided* ten minutes after the end of its lease.
//!
//! A change younger than the grace period is *pending*: it may still be in the outbox or on the stream. An older one is
//! reported: as *unpublished* if its outbox position is below the version.

use std::collections::HashMap;

use orders::PaymentCopy;
use payment_events::{OrderId, PaymentId, Timestamp};
use payments::PaymentRecord;
use serde::Serialize;

use crate::differences::{CopyState, Difference, DifferenceClass, Truth};

/// Result of comparing one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Both services have the same content, or neither has the payment.
    Agrees,
    /// The payment is processing, so there is nothing to copy yet. A request works on it, or the recovery has time left.
    Processing,
    /// The change is younger than the grace period and may be in transit.
    Pending,
    /// The services differ.
    Differs(DifferenceClass),
}

/// Compares a payment with its copy. Changes within `grace_ms` before `now` are pending.
pub fn verdict(truth: Option<&Truth>, copy: Option<CopyState>, now: Timestamp, grace_ms: u64) -> Verdict {
    let (truth, copy) = match (truth, copy) {
        (None, None) => return Verdict::Agrees,
        (None, Some(_)) => return Verdict::Differs(DifferenceClass::Orphaned),
        (Some(truth), None) if truth.is_undecided(now) => return Verdict::Differs(DifferenceClass::Undecided),
        (Some(truth), None) if truth.version == 0 => return Verdict::Processing,
        (Some(truth), copy) => (truth, copy),
    };
    let version = copy.map_or(0, |copy| copy.version);
    let behind = match copy {
        _ if truth.unpublished => DifferenceClass::Unpublished,
        None => DifferenceClass::Missing,
        Some(_) => DifferenceClass::Stale,
    };
    if version > truth.version || (truth.version == 0) {
        Verdict::Differs(DifferenceClass::Ahead)
    } else if version < truth.version || copy.is_none() {
        let is_young = now.ms_since(truth.updated_at) < grace_ms;
        if is_young { Verdict::Pending } else { Verdict::Differs(behind) }
    } else if copy.map(|copy| copy.digest) == truth.digest {
        Verdict::Agrees
    } else {
        Verdict::Differs(DifferenceClass::Different)
    }
}

/// Number of payments per result, suspects excluded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ComparedCounts {
    /// Payments read.
    pub payments: u64,
    /// Copies read.
    pub copies: u64,
    /// Payments whose copy is identical.
    pub agreeing: u64,
    /// Payments that are processing.
    pub processing: u64,
    /// Payments whose change may still be in transit.
    pub pending: u64,
}

impl ComparedCounts {
    /// Counts a payment. Differences are not counted here: they are suspects until they are read again.
    pub(crate) fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Agrees => self.agreeing += 1,
            Verdict::Processing => self.processing += 1,
            Verdict::Pending => self.pending += 1,
            Verdict::Differs(_) => {}
        }
    }
}

/// Result of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Counts per result.
    pub seen: ComparedCounts,
    /// Payments that differ, sorted by order id and payment id.
    pub differences: Vec<Difference>,
}

/// Incremental comparison: all of Orders' copies first, then the payments one by one.
///
/// For each copy not yet matched it holds ids, version and hash: 33 bytes in a hash table that is 44 to 88 % full, plus
/// one allocation for both ids. With ids of 30 and 20 characters that is 100 to 140 bytes per copy (measured), with the
/// longest ids 220, and half as much again while the table grows.
#[derive(Debug)]
pub struct CopyComparison {
    copies: HashMap<Key, CopyState>,
    now: Timestamp,
    grace_ms: u64,
    seen: ComparedCounts,
    suspects: Vec<Difference>,
}

/// `<order id>/<payment id>` in one allocation. Neither id can contain a slash.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key(Box<str>);

impl Key {
    fn new(order_id: &str, payment_id: &str) -> Self {
        Self([order_id, "/", payment_id].concat().into())
    }

    fn ids(&self) -> Option<(OrderId, PaymentId)> {
        let (order_id, payment_id) = self.0.split_once('/')?;
        Some((order_id.parse().ok()?, payment_id.parse().ok()?))
    }
}

impl CopyComparison {
    /// Creates an empty comparison. Changes within `grace_ms` before `now` are pending.
    pub fn new(now: Timestamp, grace_ms: u64) -> Self {
        Self { copies: HashMap::new(), now, grace_ms, seen: ComparedCounts::default(), suspects: Vec::new() }
    }

    /// Adds a copy. All copies must be added before the first payment.
    pub fn copy(&mut self, copy: &PaymentCopy) {
        let payment = &copy.payment;
        self.seen.copies += 1;
        self.copies.insert(Key::new(payment.order_id.as_str(), payment.payment_id.as_str()), CopyState::from(copy));
    }

    /// Adds a payment and compares it with its copy.
    pub fn payment(&mut self, record: &PaymentRecord) {
        let truth = Truth::from(record);
        let copy = self.copies.remove(&Key::new(truth.order_id.as_str(), truth.payment_id.as_str()));
        self.seen.payments += 1;
        let verdict = verdict(Some(&truth), copy, self.now, self.grace_ms);
        self.seen.count(verdict);
        if let Verdict::Differs(class) = verdict {
            self.suspects.push(difference(class, &truth, copy));
        }
    }

    /// Ends the comparison. Copies without a payment are orphaned.
    pub fn finish(mut self) -> Compared {
        for (key, copy) in self.copies {
            // Cannot fail: both ids were parsed before they became a key.
            let Some((order_id, payment_id)) = key.ids() else { continue };
            self.suspects.push(orphan(order_id, payment_id, copy));
        }
        self.suspects.sort_by(|a, b| (&a.order_id, &a.payment_id).cmp(&(&b.order_id, &b.payment_id)));
        Compared { seen: self.seen, differences: self.suspects }
    }
}

/// Compares two tables that are not changing.
pub fn compare<'a>(
    payments: impl IntoIterator<Item = &'a PaymentRecord>,
    copies: impl IntoIterator<Item = &'a PaymentCopy>,
    now: Timestamp,
    grace_ms: u64,
) -> Compared {
    let mut comparison = CopyComparison::new(now, grace_ms);
    copies.into_iter().for_each(|copy| comparison.copy(copy));
    payments.into_iter().for_each(|record| comparison.payment(record));
    comparison.finish()
}

/// Difference of a payment that exists in Payments.
pub(crate) fn difference(class: DifferenceClass, truth: &Truth, copy: Option<CopyState>) -> Difference {
    Difference {
        class,
        order_id: truth.order_id.clone(),
        payment_id: truth.payment_id.clone(),
        payments_version: Some(truth.version),
        orders_version: copy.map(|copy| copy.version),
        unpublished: truth.unpublished,
        updated_at: Some(truth.updated_at),
        belongs_to: None,
    }
}

/// Difference of a copy without a payment.
pub(crate) fn orphan(order_id: OrderId, payment_id: PaymentId, copy: CopyState) -> Difference {
    Difference {
        class: DifferenceClass::Orphaned,
        order_id,
        payment_id,
        payments_version: None,
        orders_version: Some(copy.version),
        unpublished: false,
        updated_at: None,
        belongs_to: None,
    }
}
