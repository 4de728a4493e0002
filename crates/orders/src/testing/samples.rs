//! Sample orders and payments.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

use payment_events::{Currency, Decline, Money, PaymentInfo, PaymentStatus, Timestamp};

use crate::{Line, Lines, OrderRequest, PaymentCopy, Price, Quantity};

/// Creation time of all samples.
pub fn at() -> Timestamp {
    Timestamp::from_unix_ms(1_700_000_000_123).unwrap()
}

/// The euro.
pub fn eur() -> Currency {
    "EUR".parse().unwrap()
}

/// Amount in euros, in minor units.
pub fn euros(minor: i64) -> Money {
    Money::new(minor, eur()).unwrap()
}

/// Request for one line of one unit at `price`.
pub fn request(order_id: &str, price: impl Into<Price>) -> OrderRequest {
    let line = Line { sku: "tea-100g".parse().unwrap(), quantity: Quantity::new(1).unwrap(), unit_price: price.into() };
    OrderRequest {
        order_id: order_id.parse().unwrap(),
        customer_id: "cust-7".parse().unwrap(),
        lines: Lines::new(vec![line]).unwrap(),
    }
}

/// Authorized payment of `ord-1`, version 1.
pub fn authorized(payment_id: &str, amount: Money) -> PaymentInfo {
    PaymentInfo {
        payment_id: payment_id.parse().unwrap(),
        order_id: "ord-1".parse().unwrap(),
        status: PaymentStatus::Authorized,
        amount,
        captured_minor: 0,
        refunded_minor: 0,
        decline: None,
        version: 1,
        created_at: at(),
        updated_at: at(),
    }
}

/// Declined payment of `ord-1`, version 1.
pub fn declined(payment_id: &str, amount: Money) -> PaymentInfo {
    let decline = Decline { code: "expired_card".to_owned(), message: "The card has expired.".to_owned() };
    PaymentInfo { status: PaymentStatus::Declined, decline: Some(decline), ..authorized(payment_id, amount) }
}

/// Next version of an authorized payment, voided.
pub fn voided(payment: &PaymentInfo) -> PaymentInfo {
    let version = payment.version + 1;
    PaymentInfo { status: PaymentStatus::Voided, version, updated_at: payment.updated_at.plus_ms(5), ..payment.clone() }
}

/// Next version of an authorized payment, with `captured_minor` captured and `refunded_minor` of that refunded.
pub fn captured(payment: &PaymentInfo, captured_minor: i64, refunded_minor: i64) -> PaymentInfo {
    let version = payment.version + 1;
    let updated_at = payment.updated_at.plus_ms(5);
    PaymentInfo {
        status: PaymentStatus::Captured,
        captured_minor,
        refunded_minor,
        version,
        updated_at,
        ..payment.clone()
    }
}

/// The payment in the read model, received 17 ms after its change.
pub fn stored(payment: PaymentInfo) -> PaymentCopy {
    let received_at = payment.updated_at.plus_ms(17);
    PaymentCopy { payment, received_at }
}
