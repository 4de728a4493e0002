//! What a client does with one order, made from a seed alone.

use fastrand::Rng;
use payment_events::{PaymentInfo, PaymentStatus};
use serde_json::{Value, json};

use crate::pick;

/// How many refunds there are at most.
const REFUNDS_MAX: usize = 3;
/// Three in five are approved at once.
const TOKENS: [&str; 5] = ["tok_approve", "tok_approve", "tok_approve", "tok_fail_once", DECLINED];
const DECLINED: &str = "tok_decline_fraud";

/// What is paid for an order, what becomes of that, and when the order is placed.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The order.
    pub order_id: String,
    /// The test token that it is paid with.
    pub token: &'static str,
    /// The payment, in minor units.
    pub minor: i64,
    /// The order, where it is placed at all.
    pub order: Option<PlannedOrder>,
    /// What is done with the payment, one after the other; each is legal where it is approved.
    pub changes: Vec<Change>,
    /// How many clients send each request at once.
    pub clients: usize,
}

/// An order of one line.
#[derive(Debug, Clone, Copy)]
pub struct PlannedOrder {
    /// What it comes to, in minor units.
    pub minor: i64,
    /// Whether it is placed before it is paid for, or after all that becomes of the payment.
    pub comes_first: bool,
}

/// What is done with a payment; amounts in minor units, or all there is.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// Takes the money.
    Capture(Option<i64>),
    /// Gives the authorization up.
    Void,
    /// Gives money back.
    Refund(Option<i64>),
}

impl Plan {
    /// The plan for an order; the same from the same state of `rng`.
    pub fn new(order_id: String, rng: &mut Rng) -> Self {
        let minor = rng.i64(3..=5_000);
        let order =
            (rng.u8(..3) > 0).then(|| PlannedOrder { minor: rng.i64(1..=minor + 100), comes_first: rng.bool() });
        let token = pick(rng, &TOKENS);
        let changes = if token == DECLINED { Vec::new() } else { changes(rng, minor) };
        Self { order_id, token, minor, order, changes, clients: pick(rng, &[1, 1, 1, 2, 3]) }
    }

    /// Whether the processor approves.
    pub fn is_approved(&self) -> bool {
        self.token != DECLINED
    }

    /// What a payment counts towards its order, in minor units: a reckoning of our own, to hold Orders' against.
    pub fn covering_minor(payment: &PaymentInfo) -> i64 {
        match payment.status {
            PaymentStatus::Authorized => payment.amount.minor(),
            PaymentStatus::Captured => payment.captured_minor - payment.refunded_minor,
            PaymentStatus::Refunded | PaymentStatus::Voided | PaymentStatus::Declined => 0,
        }
    }

    /// The body of `POST /payments`.
    pub fn payment_body(&self) -> Value {
        json!({"order_id": self.order_id, "amount": eur(self.minor), "method": {"token": self.token}})
    }

    /// The body of `POST /orders`.
    pub fn order_body(&self, order: &PlannedOrder) -> Value {
        let line = json!({"sku": "tea", "quantity": 1, "unit_price": eur(order.minor)});
        json!({"order_id": self.order_id, "customer_id": "cust-7", "lines": [line]})
    }
}

impl Change {
    /// The last part of its route.
    pub fn route(self) -> &'static str {
        match self {
            Self::Capture(_) => "capture",
            Self::Void => "void",
            Self::Refund(_) => "refund",
        }
    }

    /// The body of its request.
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
