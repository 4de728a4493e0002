//! The acceptance rule, as a pure function.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use payment_events::{Currency, PaymentId, PaymentInfo, PaymentStatus, Timestamp};

use crate::{BasedOn, Decision, Evidence, Fulfilment, Order, OrderStatus};

/// Result of [`decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// New status of the order.
    pub status: OrderStatus,
    /// New fulfilment state of the order.
    pub fulfilment: Fulfilment,
    /// Payments that led to the status.
    pub decision: Decision,
}

/// Applies the acceptance rule to `order` and `evidence`.
///
/// An order is accepted, and its fulfilment starts, once the payments cover its total. Until then it waits for payment,
/// or is on hold if it was accepted before. The start time of fulfilment never changes.
///
/// Payments recorded in the order's previous decision count as well, in the version recorded there, unless the evidence
/// has the same or a newer version. A payment read from the Payments API may not have reached the read model yet
/// (docs/adr/0013).
pub fn decide(order: &Order, evidence: Evidence<'_>, now: Timestamp) -> Verdict {
    let based_on = newest(order, evidence.payments(), now);
    let total = order.total();
    let covering: i128 = based_on.iter().map(|payment| i128::from(payment.covers_minor)).sum();
    let covered = covering >= i128::from(total.minor());
    let status = match (covered, order.status) {
        (true, _) => OrderStatus::Accepted,
        (false, OrderStatus::AwaitingPayment) => OrderStatus::AwaitingPayment,
        (false, OrderStatus::Accepted | OrderStatus::OnHold) => OrderStatus::OnHold,
    };
    let fulfilment = match order.fulfilment {
        Fulfilment::NotStarted if covered => Fulfilment::Started { at: now },
        unchanged => unchanged,
    };
    let decision = Decision { read: evidence.read(), decided_at: now, based_on: most_relevant(based_on) };
    Verdict { status, fulfilment, decision }
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

/// Merges the previous decision with `payments`: the newest known version of each payment.
fn newest<'p>(order: &Order, payments: impl Iterator<Item = &'p PaymentInfo>, now: Timestamp) -> Vec<BasedOn> {
    let currency = order.total().currency();
    let aged_ms = now.ms_since(order.decision.decided_at);
    let before = order.decision.based_on.iter();
    let before = before.map(|known| BasedOn { age_ms: known.age_ms.saturating_add(aged_ms), ..known.clone() });
    let mut newest: BTreeMap<PaymentId, BasedOn> = before.map(|known| (known.payment_id.clone(), known)).collect();
    for payment in payments {
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

/// Sorts covering payments first, then newest first, so that truncation drops the least relevant ones.
fn most_relevant(mut payments: Vec<BasedOn>) -> Vec<BasedOn> {
    payments.sort_by_key(|payment| (Reverse(payment.covers_minor > 0), payment.age_ms));
    payments.truncate(Decision::BASED_ON_MAX);
    payments
}
