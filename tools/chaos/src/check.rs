//! Whether both services agree with what the clients were told, exactly.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use orders::{Order, OrderStatus, PaymentCopy};
use orders_aws::{OrdersScan, QuarantineRecords, ScannedItem};
use payment_events::{OrderId, PaymentId, PaymentInfo, Timestamp};
use payments::PaymentRecord;
use payments_aws::PaymentsScan;
use paystream_local::Environment;
use paystream_operations::compare;
use serde::Serialize;

use crate::plan::Plan;

/// Items that one page of a scan has at most.
const PAGE_ITEMS_MAX: i32 = 500;
/// Records in quarantine that are counted at most.
const QUARANTINED_MAX: usize = 100_000;

/// What was done, and what must have come of it.
#[derive(Debug)]
pub struct Done {
    /// The plan.
    pub plan: Plan,
    /// The payment, as its client was last told.
    pub payment: PaymentInfo,
}

/// All that both services hold.
#[derive(Debug, Default)]
pub struct World {
    /// Payments' truth.
    pub payments: BTreeMap<PaymentId, PaymentRecord>,
    /// Orders' copies.
    pub copies: Vec<PaymentCopy>,
    /// Orders' orders.
    pub orders: BTreeMap<OrderId, Order>,
    /// Records that were set aside.
    pub quarantined: u64,
    /// Items that are not what they should be.
    pub unreadable: Vec<String>,
}

/// What is wrong, each with what it is about. Nothing is, where all are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Payments whose client was told something else than is stored.
    pub lost: Vec<String>,
    /// Payments and orders that nobody asked for.
    pub invented: Vec<String>,
    /// Payments that are still marked as unpublished.
    pub unpublished: Vec<String>,
    /// Copies that are missing, stale, ahead, orphaned or different.
    pub copies: Vec<String>,
    /// Orders that are not where their payment puts them.
    pub stuck: Vec<String>,
    /// Records that were set aside and should not have been, or the other way round.
    pub quarantine: Vec<String>,
    /// What an event source gave up on.
    pub given_up: Vec<String>,
    /// Items that cannot be understood.
    pub unreadable: Vec<String>,
}

impl Findings {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A table could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The payments table.
    #[error("{0}: {source}", source = .0.source)]
    Payments(#[from] payments::StoreError),
    /// The orders table, or the quarantine.
    #[error("{0}: {source}", source = .0.source)]
    Orders(#[from] orders::StoreError),
}

impl World {
    /// Reads it all, each table once. Both sides must stand still.
    pub async fn read(environment: &Environment, client: &Client) -> Result<Self, ReadError> {
        let name = |logical_id| environment.physical_name(logical_id).unwrap_or(logical_id);
        let mut world = Self::default();
        let mut payments = PaymentsScan::new(client.clone(), name("PaymentsTable"), PAGE_ITEMS_MAX);
        while let Some(page) = payments.next_page().await? {
            for record in page {
                match record {
                    Ok(record) => drop(world.payments.insert(record.payment.payment_id.clone(), record)),
                    Err(item) => world.unreadable.push(format!("{}: {}", item.key, item.reason)),
                }
            }
        }
        let mut orders = OrdersScan::new(client.clone(), name("OrdersTable"), PAGE_ITEMS_MAX);
        while let Some(page) = orders.next_page().await? {
            for item in page {
                match item {
                    Ok(ScannedItem::Order(order)) => drop(world.orders.insert(order.order_id.clone(), *order)),
                    Ok(ScannedItem::Copy(copy)) => world.copies.push(*copy),
                    Err(item) => world.unreadable.push(format!("{} {}: {}", item.order_id, item.item, item.reason)),
                }
            }
        }
        let quarantine = QuarantineRecords::new(client.clone(), name("QuarantineTable"));
        world.quarantined = quarantine.list(QUARANTINED_MAX).await?.len() as u64;
        Ok(world)
    }

    /// Holds it against what was done. `poison` records must be in quarantine, and no others.
    pub fn check(&self, done: &[Done], poison: u64) -> Findings {
        let mut findings = Findings { unreadable: self.unreadable.clone(), ..Findings::default() };
        let mut payments: BTreeMap<_, _> = self.payments.iter().collect();
        let mut orders: BTreeMap<_, _> = self.orders.iter().collect();
        for Done { plan, payment } in done {
            let stored = payments.remove(&payment.payment_id).and_then(|record| record.payment.event()?.ok());
            match stored.map(payment_events::PaymentEvent::into_payment) {
                None => findings.lost.push(format!("{}: not there", payment.payment_id)),
                Some(stored) if stored != *payment => {
                    findings
                        .lost
                        .push(format!("{}: is {stored:?}, its client was told {payment:?}", payment.payment_id));
                }
                Some(_) => {}
            }
            let order = orders.remove(&payment.order_id);
            findings.stuck.extend(order_is_wrong(plan, payment, order));
        }
        findings.invented.extend(payments.keys().map(ToString::to_string));
        findings.invented.extend(orders.keys().map(ToString::to_string));
        let marked = self.payments.values().filter(|record| record.unpublished);
        findings.unpublished.extend(marked.map(|record| record.payment.payment_id.to_string()));
        let differences = compare(self.payments.values(), &self.copies, Timestamp::now(), 0).differences;
        findings.copies.extend(differences.iter().map(|difference| format!("{difference:?}")));
        if self.quarantined != poison {
            findings.quarantine.push(format!("{} of {poison} records are set aside", self.quarantined));
        }
        findings
    }
}

/// Why the order is not what its payment makes of it, where it is not.
fn order_is_wrong(plan: &Plan, payment: &PaymentInfo, order: Option<&Order>) -> Option<String> {
    let wrong = |what: &str| Some(format!("{}: {what}", plan.order_id));
    match (plan.order, order) {
        (None, None) => None,
        (None, Some(_)) => wrong("was never placed"),
        (Some(_), None) => wrong("not there"),
        (Some(planned), Some(order)) => {
            let is_accepted = order.status == OrderStatus::Accepted;
            match (Plan::covering_minor(payment) >= planned.minor, is_accepted) {
                (true, false) => wrong(&format!("is {} and covered", order.status)),
                (false, true) => wrong("is accepted and not covered"),
                _ => None,
            }
        }
    }
}
