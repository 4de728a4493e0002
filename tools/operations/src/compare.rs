//! Payments' truth held against Orders' copies. Pure: it reads nothing.
//!
//! Both sides change while they are read. Orders' copies are read first, Payments' truth after that. A copy is never newer
//! than the truth was when the copy was read, and a version only grows; so a copy that is *ahead* of a truth read later,
//! or an *orphan* of it, really is. The other way round, a payment that is made and copied between the two reads would
//! look like an orphan.
//!
//! What this order does see wrongly is the payment that went on in between: its copy looks *missing* or *stale*. Those
//! are suspects only, which [`Reconcile`](crate::Reconcile) looks at again in the other order, the truth first.
//!
//! What is younger than a grace period is *pending* rather than missing: it is on its way. That holds for a payment that
//! is marked as unpublished and for one that is on the stream; the one whose mark is older than that is nobody's to bring
//! any more for all that can be told from here, and is reported.

use std::collections::HashMap;

use orders::PaymentCopy;
use payment_events::{OrderId, PaymentId, Timestamp};
use payments::PaymentRecord;
use serde::Serialize;

use crate::differences::{CopyState, Difference, DifferenceClass, Truth};

/// What one payment comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Neither side has it, or both have the same.
    Agrees,
    /// Payments has not decided on it, so there is nothing to copy.
    Processing,
    /// Orders may not have it yet.
    Pending,
    /// The sides do not agree.
    Differs(DifferenceClass),
}

/// Holds a payment against its copy. What Payments changed within `grace_ms` before `now` may still be on its way.
pub fn verdict(truth: Option<&Truth>, copy: Option<CopyState>, now: Timestamp, grace_ms: u64) -> Verdict {
    let (truth, copy) = match (truth, copy) {
        (None, None) => return Verdict::Agrees,
        (None, Some(_)) => return Verdict::Differs(DifferenceClass::Orphaned),
        (Some(truth), None) if truth.version == 0 => return Verdict::Processing,
        (Some(truth), copy) => (truth, copy),
    };
    let version = copy.map_or(0, |copy| copy.version);
    let behind = if copy.is_none() { DifferenceClass::Missing } else { DifferenceClass::Stale };
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

/// How many payments there were of each kind, as far as they need no further look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ComparedCounts {
    /// Payments that Payments has.
    pub payments: u64,
    /// Copies that Orders has.
    pub copies: u64,
    /// Payments that both sides have alike.
    pub agreeing: u64,
    /// Payments that are not decided on.
    pub processing: u64,
    /// Payments that may still be on their way.
    pub pending: u64,
}

impl ComparedCounts {
    /// Counts a payment that needs no further look.
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
    /// Payments and copies of each kind.
    pub seen: ComparedCounts,
    /// Payments that the two sides do not agree on, in the order of their ids.
    pub differences: Vec<Difference>,
}

/// A comparison that is given Orders' copies first and then, one by one, what Payments has.
///
/// It holds, of each copy that no payment has been held against yet, its ids, version and hash: 33 bytes in a table that
/// is 44 to 88 % full, and an allocation of both ids. With ids of 30 and 20 characters that is 100 to 140 bytes a copy
/// (measured), with the longest ids 220; while the table grows, half as much again.
#[derive(Debug)]
pub struct CopyComparison {
    copies: HashMap<Key, CopyState>,
    now: Timestamp,
    grace_ms: u64,
    seen: ComparedCounts,
    suspects: Vec<Difference>,
}

/// `<order id>/<payment id>`, of which neither has a slash, in one allocation.
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
    /// What Payments changed within `grace_ms` before `now` may still be on its way.
    pub fn new(now: Timestamp, grace_ms: u64) -> Self {
        Self { copies: HashMap::new(), now, grace_ms, seen: ComparedCounts::default(), suspects: Vec::new() }
    }

    /// Takes in a copy. All copies come before the first payment.
    pub fn copy(&mut self, copy: &PaymentCopy) {
        let payment = &copy.payment;
        self.seen.copies += 1;
        self.copies.insert(Key::new(payment.order_id.as_str(), payment.payment_id.as_str()), CopyState::from(copy));
    }

    /// Takes in a payment.
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

    /// Ends the comparison: the copies that are left are of payments that Payments does not have.
    pub fn finish(mut self) -> Compared {
        for (key, copy) in self.copies {
            // Both were parsed before they became a key.
            let Some((order_id, payment_id)) = key.ids() else { continue };
            self.suspects.push(orphan(order_id, payment_id, copy));
        }
        self.suspects.sort_by(|a, b| (&a.order_id, &a.payment_id).cmp(&(&b.order_id, &b.payment_id)));
        Compared { seen: self.seen, differences: self.suspects }
    }
}

/// Compares two sides that stand still.
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

/// What is wrong with a payment that Payments has.
pub(crate) fn difference(class: DifferenceClass, truth: &Truth, copy: Option<CopyState>) -> Difference {
    Difference {
        class,
        order_id: truth.order_id.clone(),
        payment_id: truth.payment_id.clone(),
        payments_version: Some(truth.version),
        orders_version: copy.map(|copy| copy.version),
        unpublished: truth.unpublished,
        updated_at: Some(truth.updated_at),
    }
}

/// A copy of a payment that Payments does not have.
pub(crate) fn orphan(order_id: OrderId, payment_id: PaymentId, copy: CopyState) -> Difference {
    Difference {
        class: DifferenceClass::Orphaned,
        order_id,
        payment_id,
        payments_version: None,
        orders_version: Some(copy.version),
        unpublished: false,
        updated_at: None,
    }
}
