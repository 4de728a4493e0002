//! Pays for an order and places it: `cargo run -p paystream-contracts --example pay_and_order`, with `cargo run` in
//! another terminal. The argument is the URL of both APIs, by default <http://127.0.0.1:3000>.

use std::error::Error;
use std::time::Duration;

use payment_events::{Money, OrderId, PaymentId, PaymentStatus};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
struct Payment {
    payment_id: PaymentId,
    status: PaymentStatus,
}

#[derive(Debug, Deserialize)]
struct Order {
    status: String,
    total: Money,
}

/// A problem response: `type` is for programs, `detail` says what to do (docs/api/problems.md).
#[derive(Debug, Deserialize, thiserror::Error)]
#[error("{kind}: {detail}")]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    detail: String,
}

/// Sends a request under an idempotency key, so that it can be repeated if there is no response.
async fn post<T: DeserializeOwned>(url: String, key: &str, body: impl Serialize) -> Result<T, Box<dyn Error>> {
    let reply = reqwest::Client::new().post(url).header("Idempotency-Key", key).json(&body).send().await?;
    if reply.status().is_success() { Ok(reply.json().await?) } else { Err(reply.json::<Problem>().await?.into()) }
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the example prints its results")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:3000".to_owned());
    let order_id: OrderId = format!("ord-{}", uuid::Uuid::new_v4()).parse()?;
    let price = Money::new(1299, "EUR".parse()?)?;
    let body = json!({ "order_id": order_id, "amount": price, "method": { "token": "tok_approve" } });
    let payment: Payment = post(format!("{url}/payments"), order_id.as_str(), body).await?;
    println!("{} is {}", payment.payment_id, payment.status);

    // The payment reaches Orders within a moment. An order that is placed sooner is accepted when the payment arrives.
    let (copies, mut tries) = (format!("{url}/orders/{order_id}/payments"), 0..50);
    while reqwest::get(&copies).await?.json::<Value>().await?["payments"] == json!([]) && tries.next().is_some() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let line = json!({ "sku": "tea", "quantity": 1, "unit_price": price });
    let body = json!({ "order_id": order_id, "customer_id": "cust-7", "lines": [line] });
    let order: Order = post(format!("{url}/orders"), order_id.as_str(), body).await?;
    println!("{order_id} over {} is {}", order.total, order.status);
    Ok(())
}
