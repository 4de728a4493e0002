//! The acceptance rule, as a pure function.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use payment_events::{Currency, PaymentId, PaymentInfo, PaymentStatus, Timestamp};

use crate::{BasedOn, Coverage, Decision, Evidence, Fulfilment, Order, OrderStatus, PAYMENTS_MAX, PaymentCopy};

/// Result of [`decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// New status of the order.
    pub status: OrderStatus,
    /// New fulfilment state of the order.
    pub fulfilment: Fulfilment,
    /// Payments that led to the status.
    pub decision: Decision,
    /// Payments that cover the order, whether or not they change its status.
    pub coverage: Coverage,
}

/// Applies the acceptance rule to `order` and `evidence`.
///
/// An order is accepted, and its fulfilment starts, once the payments cover its total. Until then it waits for payment,
/// or is on hold if it was accepted before. The start time of fulfilment never changes. A total of zero needs no payment:
/// the order is accepted when it is placed, and never goes on hold.
///
/// Payments recorded in the order's previous decision count as well, in the version recorded there, unless the evidence
/// has the same or a newer version. A payment read from the Payments API may not have reached the read model yet
/// (docs/adr/0013).
///
/// Evidence may be incomplete. No payment covers less than nothing, so payments that cover the order are proof even then;
/// payments that do not cover it prove nothing, and the order keeps its status.
pub fn decide(order: &Order, evidence: Evidence<'_>, now: Timestamp) -> Verdict {
    let payments = newest(order, evidence, now);
    let total = order.total();
    // At most PAYMENTS_MAX of each source, each below 2^63: the sum cannot overflow.
    let usable_minor: i128 = payments.iter().map(|payment| i128::from(payment.covers_minor)).sum();
    let covered = usable_minor >= i128::from(total.minor());
    let is_complete = is_complete(order, evidence);
    let status = match (covered, order.status) {
        (true, _) => OrderStatus::Accepted,
        (false, status) if !is_complete => status,
        (false, OrderStatus::AwaitingPayment) => OrderStatus::AwaitingPayment,
        (false, OrderStatus::Accepted | OrderStatus::OnHold) => OrderStatus::OnHold,
    };
    let fulfilment = match order.fulfilment {
        Fulfilment::NotStarted if covered => Fulfilment::Started { at: now },
        unchanged => unchanged,
    };
    let coverage = Coverage::of(total, &payments, usable_minor, is_complete);
    let decision = Decision {
        read: evidence.read(),
        decided_at: now,
        payments: payments.len(),
        is_complete,
        based_on: recorded(payments, evidence.copies),
    };
    Verdict { status, fulfilment, decision, coverage }
}

/// Returns the amount that a payment covers of an order in `currency`, in minor units: the authorized amount, or the
/// captured amount less refunds. A payment in another currency covers 0.
pub fn covering_minor(payment: &PaymentInfo, currency: Currency) -> i64 {
    if payment.amount.currency() != currency {
        return 0;
    }
    match payment.status {
        PaymentStatus::Authorized => payment.amount.minor(),
        // Both amounts are at least 0.
        PaymentStatus::Captured => payment.captured_minor.saturating_sub(payment.refunded_minor),
        PaymentStatus::Refunded | PaymentStatus::Voided | PaymentStatus::Declined => 0,
    }
}

/// Returns true if all payments of the order are known.
///
/// A decision that left payments out stays incomplete until the read model has as many payments.
fn is_complete(order: &Order, evidence: Evidence<'_>) -> bool {
    let has_forgotten = !order.decision.is_complete && evidence.copies.len() < order.decision.payments;
    let lookup_has_more = evidence.lookup.is_some_and(|lookup| lookup.has_more);
    evidence.incomplete.is_none() && !lookup_has_more && !has_forgotten
}

/// Merges the previous decision with the evidence: the newest known version of each payment.
fn newest(order: &Order, evidence: Evidence<'_>, now: Timestamp) -> Vec<BasedOn> {
    let currency = order.total().currency();
    let aged_ms = now.ms_since(order.decision.decided_at);
    let before = order.decision.based_on.iter();
    let before = before.map(|known| BasedOn { age_ms: known.age_ms.saturating_add(aged_ms), ..known.clone() });
    let mut newest: BTreeMap<PaymentId, BasedOn> = before.map(|known| (known.payment_id.clone(), known)).collect();
    for payment in evidence.payments() {
        // For equal versions the evidence wins, because its age is measured with the current clock.
        if newest.get(&payment.payment_id).is_none_or(|known| known.version <= payment.version) {
            let payment = BasedOn {
                payment_id: payment.payment_id.clone(),
                version: payment.version,
                status: payment.status,
                covers_minor: covering_minor(payment, currency),
                age_ms: now.ms_since(payment.updated_at),
            };
            newest.insert(payment.payment_id.clone(), payment);
        }
    }
    newest.into_values().collect()
}

/// Returns the payments to record, covering payments first, then newest first. Those ahead of the read model are the only
/// place where they are known, so they are kept beyond [`Decision::BASED_ON_MAX`].
fn recorded(mut payments: Vec<BasedOn>, copies: &[PaymentCopy]) -> Vec<BasedOn> {
    payments.sort_by_key(|payment| (Reverse(payment.covers_minor > 0), payment.age_ms));
    if payments.len() <= Decision::BASED_ON_MAX {
        return payments;
    }
    let copied: HashMap<_, _> = copies.iter().map(|copy| (&copy.payment.payment_id, copy.payment.version)).collect();
    let is_ahead = |payment: &BasedOn| copied.get(&payment.payment_id).is_none_or(|version| *version < payment.version);
    let recorded = payments.into_iter().enumerate();
    let recorded = recorded.filter(|(position, payment)| *position < Decision::BASED_ON_MAX || is_ahead(payment));
    recorded.map(|(_, payment)| payment).take(PAYMENTS_MAX).collect()
}
