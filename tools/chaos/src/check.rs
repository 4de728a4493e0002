//! Exact check of both services' tables against the responses that clients received.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use orders::{Order, OrderStatus, PaymentCopy};
use orders_aws::{OrdersScan, ScannedItem};
use payment_events::{OrderId, PaymentId, PaymentInfo, Timestamp};
use payments::{PaymentRecord, PublishModeName};
use payments_aws::PaymentsScan;
use paystream_local::Environment;
use paystream_operations::compare;
use quarantine::QuarantineRecords;
use serde::Serialize;

use crate::appeared::Appeared;
use crate::hub::{HubError, RawHub};
use crate::plan::Plan;

/// Maximum items per page of a scan.
const PAGE_ITEMS_MAX: i32 = 500;
/// Maximum quarantined records counted.
const QUARANTINED_MAX: usize = 100_000;

/// A completed plan and its expected result.
#[derive(Debug)]
pub struct Done {
    /// Plan that was executed.
    pub plan: Plan,
    /// Payment in the last response to its client.
    pub payment: PaymentInfo,
}

/// Everything that both services store, and the payments on the hub.
#[derive(Debug)]
pub struct World {
    /// Publish mode of the system. Outbox positions are raised in `direct` mode only.
    pub mode: PublishModeName,
    /// Versions on the hub.
    pub appeared: Appeared,
    /// Payments in the payments table.
    pub payments: BTreeMap<PaymentId, PaymentRecord>,
    /// Copies in Orders' read model.
    pub copies: Vec<PaymentCopy>,
    /// Orders in the orders table.
    pub orders: BTreeMap<OrderId, Order>,
    /// Number of quarantined records.
    pub quarantined: u64,
    /// Items that could not be decoded, with the reason.
    pub unreadable: Vec<String>,
}

/// Violations found, each with the id that it concerns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Payments that are missing, or differ from the last response to their client.
    pub lost: Vec<String>,
    /// Payments and orders that no client requested.
    pub invented: Vec<String>,
    /// Payments with a version that is missing on the hub or, in `direct` mode, above the outbox position.
    pub unpublished: Vec<String>,
    /// Versions whose first appearance on the hub came before that of an earlier version.
    pub disordered: Vec<String>,
    /// Copies that are missing, stale, ahead, orphaned or different.
    pub copies: Vec<String>,
    /// Orders that are missing, unrequested, or have a status that does not follow from their payment.
    pub stuck: Vec<String>,
    /// Unexpected number of quarantined records.
    pub quarantine: Vec<String>,
    /// Batches that an event source mapping discarded after its retries.
    pub given_up: Vec<String>,
    /// Items that could not be decoded, with the reason.
    pub unreadable: Vec<String>,
}

impl Findings {
    /// True if there are no violations.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A table or the hub could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Reading the payments table failed.
    #[error(transparent)]
    Payments(#[from] payments::StoreError),
    /// Reading the orders table failed.
    #[error(transparent)]
    Orders(#[from] orders::StoreError),
    /// Reading the quarantine failed.
    #[error(transparent)]
    Quarantine(#[from] quarantine::QuarantineError),
    /// Reading the hub failed.
    #[error(transparent)]
    Hub(#[from] HubError),
}

impl World {
    /// Creates a world without payments and orders, of a system in this mode.
    pub fn new(mode: PublishModeName, appeared: Appeared) -> Self {
        Self {
            mode,
            appeared,
            payments: BTreeMap::new(),
            copies: Vec::new(),
            orders: BTreeMap::new(),
            quarantined: 0,
            unreadable: Vec::new(),
        }
    }

    /// Reads each table once, and the rest of the hub. Both services must be idle.
    pub(crate) async fn read(
        environment: &Environment,
        client: &Client,
        hub: &RawHub,
        mode: PublishModeName,
    ) -> Result<Self, ReadError> {
        let name = |logical_id| environment.physical_name(logical_id).unwrap_or(logical_id);
        let mut world = Self::new(mode, hub.read().await?);
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
        let images = QuarantineRecords::new(client.clone(), name("PaymentsQuarantineTable"));
        for image in images.list(QUARANTINED_MAX).await? {
            world.unreadable.push(format!("{}: {}", image.id, image.reason));
        }
        Ok(world)
    }

    /// Compares the tables with the completed plans. Exactly `poison` records must be in quarantine.
    pub fn check(&self, done: &[Done], poison: u64) -> Findings {
        let mut findings = Findings { unreadable: self.unreadable.clone(), ..Findings::default() };
        let mut payments: BTreeMap<_, _> = self.payments.iter().collect();
        let mut orders: BTreeMap<_, _> = self.orders.iter().collect();
        for Done { plan, payment } in done {
            let stored = payments.remove(&payment.payment_id).and_then(|record| record.payment.event()?.ok());
            match stored.map(payment_events::PaymentEvent::into_payment) {
                None => findings.lost.push(format!("{}: missing", payment.payment_id)),
                Some(stored) if stored != *payment => {
                    findings.lost.push(format!(
                        "{}: stored {stored:?}, but its client received {payment:?}",
                        payment.payment_id
                    ));
                }
                Some(_) => {}
            }
            let order = orders.remove(&payment.order_id);
            findings.stuck.extend(order_violation(plan, payment, order));
        }
        findings.invented.extend(payments.keys().map(ToString::to_string));
        findings.invented.extend(orders.keys().map(ToString::to_string));
        findings.unpublished.extend(self.payments.values().filter_map(|record| self.unpublished(record)));
        findings.disordered.extend_from_slice(self.appeared.disordered());
        let differences = compare(self.payments.values(), &self.copies, Timestamp::now(), 0).differences;
        findings.copies.extend(differences.iter().map(|difference| format!("{difference:?}")));
        if self.quarantined != poison {
            findings.quarantine.push(format!("{} records in quarantine, expected {poison}", self.quarantined));
        }
        findings
    }
}

impl World {
    /// Returns the violation if a version of the payment is not on the hub, or its position is not raised.
    fn unpublished(&self, record: &PaymentRecord) -> Option<String> {
        let PaymentRecord { payment, published_version, .. } = record;
        let (id, version, appeared) = (&payment.payment_id, payment.version, self.appeared.up_to(&payment.payment_id));
        if appeared < version {
            return Some(format!("{id}: the hub has versions up to {appeared} of {version}"));
        }
        let is_marked = self.mode == PublishModeName::Direct && record.is_due();
        is_marked.then(|| format!("{id}: the outbox position is {published_version}, the version {version}"))
    }
}

/// Returns the violation if the order's status does not follow from its payment.
fn order_violation(plan: &Plan, payment: &PaymentInfo, order: Option<&Order>) -> Option<String> {
    let wrong = |what: &str| Some(format!("{}: {what}", plan.order_id));
    match (plan.order, order) {
        (None, None) => None,
        (None, Some(_)) => wrong("stored but never placed"),
        (Some(_), None) => wrong("missing"),
        (Some(planned), Some(order)) => {
            let is_accepted = order.status == OrderStatus::Accepted;
            match (Plan::covering_minor(payment) >= planned.minor, is_accepted) {
                (true, false) => wrong(&format!("is {} but covered", order.status)),
                (false, true) => wrong("is accepted but not covered"),
                _ => None,
            }
        }
    }
}
