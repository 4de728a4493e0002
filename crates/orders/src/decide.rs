//! The acceptance rule, as a pure function.

use std::cmp::Reverse;

use payment_events::{Currency, PaymentInfo, PaymentStatus, Timestamp};

use crate::{BasedOn, Decision, Fulfilment, Order, OrderStatus, PaymentRead, StoredPayment};

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

/// Decides about `order` on `payments`: all there are of it, in any order.
///
/// An order is accepted, and its fulfilment started, once the payments cover its total. Until then it waits, or is on
/// hold where it was accepted before. Fulfilment keeps the time it first started.
pub fn decide(order: &Order, payments: &[StoredPayment], now: Timestamp) -> Verdict {
    let total = order.total();
    let covering: i128 = payments.iter().map(|stored| covering_minor(&stored.payment, total.currency())).sum();
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
    let based_on = based_on(payments, total.currency(), now);
    Verdict { status, fulfilment, decision: Decision { read: PaymentRead::Local, decided_at: now, based_on } }
}

/// What a payment counts towards an order in `currency`, in minor units: what is held, or what was captured less what
/// was given back. As wide as it takes for no sum of payments to overflow.
pub fn covering_minor(payment: &PaymentInfo, currency: Currency) -> i128 {
    if payment.amount.currency() != currency {
        return 0;
    }
    match payment.status {
        PaymentStatus::Authorized => i128::from(payment.amount.minor()),
        PaymentStatus::Captured => i128::from(payment.captured_minor) - i128::from(payment.refunded_minor),
        PaymentStatus::Refunded | PaymentStatus::Voided | PaymentStatus::Declined => 0,
    }
}

/// Those that count first, newest first, so that a bounded list never leaves out what mattered.
fn based_on(payments: &[StoredPayment], currency: Currency, now: Timestamp) -> Vec<BasedOn> {
    let mut payments: Vec<_> = payments.iter().map(|stored| &stored.payment).collect();
    payments.sort_by_key(|payment| {
        let counts = covering_minor(payment, currency) > 0;
        (Reverse(counts), Reverse(payment.updated_at), &payment.payment_id)
    });
    let named = payments.into_iter().take(Decision::BASED_ON_MAX);
    named
        .map(|payment| BasedOn {
            payment_id: payment.payment_id.clone(),
            version: payment.version,
            status: payment.status,
            age_ms: now.ms_since(payment.updated_at),
        })
        .collect()
}
