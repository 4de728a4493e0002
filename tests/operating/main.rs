//! Operator commands, run as processes against a whole system with real damage.
#![allow(missing_docs, clippy::unwrap_used)]

mod change_hub;
mod doctor;
mod failures;
mod hubs;
mod output;
mod quarantine;
mod reconcile;
mod replay;
mod target;
mod undecided;

use paystream_tests::{Paystream, eur};
use serde_json::Value;

/// Makes payments for `count` orders, and waits until they are published and have arrived in Orders.
async fn paid(paystream: &Paystream, count: usize) -> Vec<Value> {
    let mut payments = Vec::new();
    for n in 0..count {
        payments.push(paystream.pay(&format!("ord-{n}"), &eur(1299), "tok_approve").await);
    }
    for (n, payment) in payments.iter().enumerate() {
        paystream.payment_arrives(&format!("ord-{n}"), payment).await;
        paystream.is_published(payment["payment_id"].as_str().unwrap()).await;
    }
    payments
}

/// Status, captured amount and version of Orders' copy of a payment.
async fn copy(paystream: &Paystream, payment: &Value) -> Option<(Value, Value, Value)> {
    let path = format!("/orders/{}/payments", payment["order_id"].as_str().unwrap());
    let copies = paystream.get(&path).await.expect(200);
    let copies = copies["payments"].as_array().unwrap();
    let copy = copies.iter().find(|copy| copy["payment_id"] == payment["payment_id"])?;
    Some((copy["status"].clone(), copy["captured_minor"].clone(), copy["version"].clone()))
}
