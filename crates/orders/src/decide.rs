//! The acceptance rule, as a pure function.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use payment_events::{Currency, PaymentId, PaymentInfo, PaymentStatus, Timestamp};

use crate::{BasedOn, Decision, Evidence, Fulfilment, Order, OrderStatus};

/// What an order becomes on the payments it was decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Where it stands.
    pub status: OrderStatus,
    /// Whether the goods are on their way.
    pub fulfilment: Fulfilment,
    /// What it was decided on.
    pub decision: Decision,
}

/// Decides about `order` on `evidence`.
///
/// An order is accepted, and its fulfilment started, once the payments cover its total. Until then it waits, or is on
/// hold where it was accepted before. Fulfilment keeps the time it first started.
///
/// The payments that the order was decided on before count as well, if they are newer than the evidence: a payment that
/// Payments was asked for may still be on its way to Orders (docs/adr/0013).
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

/// What a payment counts towards an order in `currency`, in minor units: what is held, or what was captured less what
/// was given back.
pub fn covering_minor(payment: &PaymentInfo, currency: Currency) -> i64 {
    if payment.amount.currency() != currency {
        return 0;
    }
    match payment.status {
        PaymentStatus::Authorized => payment.amount.minor(),
        // Both are at least 0.
        PaymentStatus::Captured => payment.captured_minor.saturating_sub(payment.refunded_minor),
        PaymentStatus::Refunded | PaymentStatus::Voided | PaymentStatus::Declined => 0,
    }
}

/// Every payment that is known of the order, each once, as of the newest version that is known.
fn newest<'p>(order: &Order, payments: impl Iterator<Item = &'p PaymentInfo>, now: Timestamp) -> Vec<BasedOn> {
    let currency = order.total().currency();
    let aged_ms = now.ms_since(order.decision.decided_at);
    let before = order.decision.based_on.iter();
    let before = before.map(|known| BasedOn { age_ms: known.age_ms.saturating_add(aged_ms), ..known.clone() });
    let mut newest: BTreeMap<PaymentId, BasedOn> = before.map(|known| (known.payment_id.clone(), known)).collect();
    for payment in payments {
        // Of the same version Orders' copy wins: it tells the payment's age by the clock of now.
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

/// Those that count first, newest first, so that a bounded list never leaves out what mattered.
fn most_relevant(mut payments: Vec<BasedOn>) -> Vec<BasedOn> {
    payments.sort_by_key(|payment| (Reverse(payment.covers_minor > 0), payment.age_ms));
    payments.truncate(Decision::BASED_ON_MAX);
    payments
}
