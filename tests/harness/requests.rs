//! Request bodies.

use serde_json::{Value, json};

/// An amount in euro cents.
pub fn eur(minor: i64) -> Value {
    json!({"minor": minor, "currency": "EUR"})
}

/// Body of `POST /payments`, with a test token.
pub fn payment_body(order_id: &str, amount: &Value, token: &str) -> Value {
    json!({"order_id": order_id, "amount": amount, "method": {"token": token}})
}

/// An order line.
pub fn line(sku: &str, quantity: u64, unit_price: &Value) -> Value {
    json!({"sku": sku, "quantity": quantity, "unit_price": unit_price})
}

/// Body of `POST /orders`.
pub fn order_body(order_id: &str, lines: &[Value]) -> Value {
    json!({"order_id": order_id, "customer_id": "cust-7", "lines": lines})
}
