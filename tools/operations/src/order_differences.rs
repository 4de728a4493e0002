//! Comparison of orders with the payments in Orders' own read model. No I/O.
//!
//! All items of an order have the same partition key. DynamoDB stores them together and scans them in sequence, the order
//! before its payments, so one order with its payments is held in memory at a time: at most 400 KB and
//! [`PAYMENTS_MAX`] payments. Each order that does not match its payments is a suspect. An order and a payment may be
//! written while the table is scanned, so [`Reconcile`](crate::Reconcile) reads suspects again, each in one consistent
//! query.

use orders::{Evidence, Fulfilment, Incomplete, Order, OrderStatus, OrderView, PAYMENTS_MAX, Unacceptable};
use orders::{covering_minor, decide};
use orders_aws::{ScannedItem, UnreadableItem};
use payment_events::{Currency, OrderId, Timestamp};
use serde::Serialize;

/// Class of a difference between an order and its payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderDifferenceClass {
    /// Its payments cover the order, and it is not accepted.
    CoveredNotAccepted,
    /// The order is accepted, and its payments do not cover it.
    AcceptedUncovered,
    /// The order is on hold, as its payments demand, but its fulfilment has started. No program can decide about it.
    OnHoldInFulfilment,
}

impl OrderDifferenceClass {
    /// Every class, repairable ones first.
    pub const ALL: [Self; 3] = [Self::CoveredNotAccepted, Self::AcceptedUncovered, Self::OnHoldInFulfilment];

    /// True if settling the order repairs it. If not, the status is right, and the order is listed for people.
    pub fn is_repairable(self) -> bool {
        self != Self::OnHoldInFulfilment
    }

    /// Name of the class in output and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CoveredNotAccepted => "covered_not_accepted",
            Self::AcceptedUncovered => "accepted_uncovered",
            Self::OnHoldInFulfilment => "on_hold_in_fulfilment",
        }
    }
}

/// An order that needs attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderDifference {
    /// Class of the difference.
    pub class: OrderDifferenceClass,
    /// Id of the order.
    pub order_id: OrderId,
    /// Stored status of the order.
    pub status: &'static str,
    /// Total of the order, in minor units.
    pub total_minor: i64,
    /// Amount that its payments in the read model cover, in minor units.
    pub covered_minor: i64,
    /// Currency of both amounts.
    pub currency: Currency,
    /// Time at which fulfilment started.
    pub fulfilment_started_at: Option<Timestamp>,
    /// Time of the order's last write.
    pub updated_at: Timestamp,
}

/// Number of orders per result, suspects excluded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OrderCounts {
    /// Orders read.
    pub orders: u64,
    /// Orders whose status matches their payments, those on hold in fulfilment excluded.
    #[serde(rename = "orders_settled")]
    pub settled: u64,
    /// Orders that do not match, and whose last change, or that of a payment, is within the grace period.
    #[serde(rename = "orders_pending")]
    pub pending: u64,
}

impl OrderCounts {
    pub(crate) fn count(&mut self, verdict: OrderVerdict) {
        match verdict {
            OrderVerdict::Settled => self.settled += 1,
            OrderVerdict::Pending => self.pending += 1,
            OrderVerdict::Differs(_) => {}
        }
    }
}

/// Result of comparing one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderVerdict {
    /// The status matches the payments.
    Settled,
    /// It does not, but a change is younger than the grace period and may still be processed.
    Pending,
    /// The order needs attention.
    Differs(OrderDifferenceClass),
}

/// Compares an order with its payments. Changes within `grace_ms` before `now` are pending.
pub fn order_verdict(order: &Order, evidence: Evidence<'_>, now: Timestamp, grace_ms: u64) -> OrderVerdict {
    let expected = decide(order, evidence, now).status;
    let has_started = order.fulfilment != Fulfilment::NotStarted;
    let class = match (order.status, expected) {
        (OrderStatus::OnHold, OrderStatus::OnHold) if has_started => OrderDifferenceClass::OnHoldInFulfilment,
        (status, expected) if status == expected => return OrderVerdict::Settled,
        (_, OrderStatus::Accepted) => OrderDifferenceClass::CoveredNotAccepted,
        _ => OrderDifferenceClass::AcceptedUncovered,
    };
    let received = evidence.copies.iter().map(|copy| copy.received_at);
    let changed_at = received.fold(order.updated_at, Timestamp::max);
    if now.ms_since(changed_at) < grace_ms { OrderVerdict::Pending } else { OrderVerdict::Differs(class) }
}

impl OrderDifference {
    pub(crate) fn new(class: OrderDifferenceClass, order: &Order, evidence: Evidence<'_>) -> Self {
        let total = order.total();
        let covered = evidence.copies.iter().map(|copy| i128::from(covering_minor(&copy.payment, total.currency())));
        Self {
            class,
            order_id: order.order_id.clone(),
            status: order.status.as_str(),
            total_minor: total.minor(),
            covered_minor: i64::try_from(covered.sum::<i128>()).unwrap_or(i64::MAX),
            currency: total.currency(),
            fulfilment_started_at: match order.fulfilment {
                Fulfilment::NotStarted => None,
                Fulfilment::Started { at } => Some(at),
            },
            updated_at: order.updated_at,
        }
    }
}

/// Incremental comparison of orders, from the items of a scan in sequence.
#[derive(Debug)]
pub(crate) struct OrderComparison {
    now: Timestamp,
    grace_ms: u64,
    /// Partition key of `view`.
    order_id: String,
    /// Items of the order that is being scanned.
    view: OrderView,
    seen: OrderCounts,
    suspects: Vec<OrderId>,
}

impl OrderComparison {
    pub(crate) fn new(now: Timestamp, grace_ms: u64) -> Self {
        let (view, seen) = (OrderView::default(), OrderCounts::default());
        Self { now, grace_ms, order_id: String::new(), view, seen, suspects: Vec::new() }
    }

    /// Adds an item. The items of one order must be added in sequence.
    pub(crate) fn item(&mut self, item: ScannedItem) {
        match item {
            ScannedItem::Order(order) => {
                self.begin(order.order_id.as_str());
                self.view.order = Some(*order);
            }
            ScannedItem::Copy(copy) => {
                self.begin(copy.payment.order_id.as_str());
                if self.view.payments.len() < PAYMENTS_MAX {
                    self.view.payments.push(*copy);
                } else {
                    self.view.incomplete.get_or_insert(Incomplete::TooMany);
                }
            }
        }
    }

    /// Adds an item that could not be decoded. An order without it is not compared; with a payment missing, it is
    /// compared as settlement would decide.
    pub(crate) fn unreadable(&mut self, item: &UnreadableItem) {
        self.begin(&item.order_id);
        if item.payment_id().is_some() {
            self.view.incomplete.get_or_insert(Incomplete::Unreadable(Unacceptable::new(item.reason.clone())));
        }
    }

    /// Ends the comparison. Returns the counts, and the suspects sorted by id.
    pub(crate) fn finish(mut self) -> (OrderCounts, Vec<OrderId>) {
        self.end();
        self.suspects.sort_unstable();
        (self.seen, self.suspects)
    }

    fn begin(&mut self, order_id: &str) {
        if self.order_id != order_id {
            self.end();
            order_id.clone_into(&mut self.order_id);
        }
    }

    fn end(&mut self) {
        let view = std::mem::take(&mut self.view);
        let Some(order) = &view.order else { return };
        self.seen.orders += 1;
        let verdict = order_verdict(order, Evidence::view(&view), self.now, self.grace_ms);
        self.seen.count(verdict);
        if matches!(verdict, OrderVerdict::Differs(_)) {
            self.suspects.push(order.order_id.clone());
        }
    }
}
