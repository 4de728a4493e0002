//! Requests of one client for one order, generated from a seed.

use fastrand::Rng;
use payment_events::{PaymentInfo, PaymentStatus};
use serde_json::{Value, json};

use crate::pick;

/// Maximum refunds per payment.
const REFUNDS_MAX: usize = 3;
/// Three in five payments are approved on the first attempt.
const TOKENS: [&str; 5] = ["tok_approve", "tok_approve", "tok_approve", "tok_fail_once", DECLINED];
const DECLINED: &str = "tok_decline_fraud";

/// Requests of one client: a payment, its changes, and possibly an order.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Id of the order.
    pub order_id: String,
    /// Test token of the payment method.
    pub token: &'static str,
    /// Amount of the payment, in minor units.
    pub minor: i64,
    /// Order to place, if any.
    pub order: Option<PlannedOrder>,
    /// Changes to the payment, in sequence. Each is valid if the payment was approved.
    pub changes: Vec<Change>,
    /// Clients that send each request concurrently.
    pub clients: usize,
}

/// An order of one line.
#[derive(Debug, Clone, Copy)]
pub struct PlannedOrder {
    /// Total of the order, in minor units.
    pub minor: i64,
    /// True if it is placed before the payment; false if after the payment's last change.
    pub comes_first: bool,
}

/// Change to a payment. Amounts are in minor units; `None` is the full remaining amount.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// Captures the authorized amount, or a part of it.
    Capture(Option<i64>),
    /// Voids the authorization.
    Void,
    /// Refunds the captured amount, or a part of it.
    Refund(Option<i64>),
}

impl Plan {
    /// Generates the plan for an order. The same state of `rng` gives the same plan.
    pub fn new(order_id: String, rng: &mut Rng) -> Self {
        let minor = rng.i64(3..=5_000);
        let order =
            (rng.u8(..3) > 0).then(|| PlannedOrder { minor: rng.i64(1..=minor + 100), comes_first: rng.bool() });
        let token = pick(rng, &TOKENS);
        let changes = if token == DECLINED { Vec::new() } else { changes(rng, minor) };
        Self { order_id, token, minor, order, changes, clients: pick(rng, &[1, 1, 1, 2, 3]) }
    }

    /// True if the processor approves the payment.
    pub fn is_approved(&self) -> bool {
        self.token != DECLINED
    }

    /// Computes the amount that a payment covers, in minor units, independently of Orders' code.
    pub fn covering_minor(payment: &PaymentInfo) -> i64 {
        match payment.status {
            PaymentStatus::Authorized => payment.amount.minor(),
            PaymentStatus::Captured => payment.captured_minor - payment.refunded_minor,
            PaymentStatus::Refunded | PaymentStatus::Voided | PaymentStatus::Declined => 0,
        }
    }

    /// Body of `POST /payments`.
    pub fn payment_body(&self) -> Value {
        json!({"order_id": self.order_id, "amount": eur(self.minor), "method": {"token": self.token}})
    }

    /// Body of `POST /orders`.
    pub fn order_body(&self, order: &PlannedOrder) -> Value {
        let line = json!({"sku": "tea", "quantity": 1, "unit_price": eur(order.minor)});
        json!({"order_id": self.order_id, "customer_id": "cust-7", "lines": [line]})
    }
}

impl Change {
    /// Last segment of its route.
    pub fn route(self) -> &'static str {
        match self {
            Self::Capture(_) => "capture",
            Self::Void => "void",
            Self::Refund(_) => "refund",
        }
    }

    /// Body of its request.
    pub fn body(self) -> Value {
        match self {
            Self::Capture(Some(minor)) | Self::Refund(Some(minor)) => json!({"amount": eur(minor)}),
            Self::Capture(None) | Self::Refund(None) | Self::Void => json!({}),
        }
    }
}

fn changes(rng: &mut Rng, minor: i64) -> Vec<Change> {
    match rng.u8(..4) {
        0 => Vec::new(),
        1 => vec![Change::Void],
        _ => {
            let captured = rng.bool().then(|| rng.i64(1..=minor));
            let mut changes = vec![Change::Capture(captured)];
            let mut left = captured.unwrap_or(minor);
            for _ in 0..rng.usize(..=REFUNDS_MAX) {
                if left > 0 {
                    let refunded = (rng.u8(..4) > 0).then(|| rng.i64(1..=left));
                    left -= refunded.unwrap_or(left);
                    changes.push(Change::Refund(refunded));
                }
            }
            changes
        }
    }
}

fn eur(minor: i64) -> Value {
    json!({"minor": minor, "currency": "EUR"})
}
