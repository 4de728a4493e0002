//! Carrying out a plan, and checking each answer against it.

use payment_events::{PaymentInfo, PaymentStatus};
use paystream_client::Client;

use crate::insist::{InsistError, insist, insist_together};
use crate::plan::{Change, Plan, PlannedOrder};

/// Why a plan did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// A request did not come to what it should.
    #[error(transparent)]
    Insist(#[from] InsistError),
    /// A payment was answered that is none.
    #[error("{order_id}: no payment: {source}")]
    NoPayment {
        /// Of which order.
        order_id: String,
        /// Why it is none.
        source: serde_json::Error,
    },
    /// A payment is not what it should have become.
    #[error("{}: {asked} left {} with version {}, {} captured, {} refunded", payment.order_id, payment.status, payment.version, payment.captured_minor, payment.refunded_minor)]
    Wrong {
        /// What was asked for.
        asked: &'static str,
        /// What was answered.
        payment: Box<PaymentInfo>,
    },
}

/// Pays, changes and orders as planned, and tells `seen` each state of the payment. Answers with the last one.
pub async fn act(client: &Client, plan: &Plan, seen: impl Fn(&PaymentInfo)) -> Result<PaymentInfo, ActError> {
    let first = plan.order.filter(|order| order.comes_first);
    let last = plan.order.filter(|order| !order.comes_first);
    place(client, plan, first).await?;
    let mut payment = ask(client, plan, "/payments".to_owned(), 1, &plan.payment_body()).await?;
    seen(&payment);
    let status = if plan.is_approved() { PaymentStatus::Authorized } else { PaymentStatus::Declined };
    expect(&payment, "a payment", (status, 1, 0, 0))?;
    for (version, change) in (2..).zip(&plan.changes) {
        let path = format!("/payments/{}/{}", payment.payment_id, change.route());
        let expected = after(&payment, *change, plan.minor, version);
        payment = ask(client, plan, path, version, &change.body()).await?;
        seen(&payment);
        expect(&payment, change.route(), expected)?;
    }
    place(client, plan, last).await?;
    Ok(payment)
}

async fn place(client: &Client, plan: &Plan, order: Option<PlannedOrder>) -> Result<(), InsistError> {
    let Some(order) = order else { return Ok(()) };
    insist(client, "/orders", &plan.order_id, &plan.order_body(&order)).await.map(|_| ())
}

async fn ask(
    client: &Client,
    plan: &Plan,
    path: String,
    version: u64,
    body: &serde_json::Value,
) -> Result<PaymentInfo, ActError> {
    let key = format!("{}-{version}", plan.order_id);
    let answer = insist_together(client, plan.clients, &path, &key, body).await?;
    serde_json::from_value(answer).map_err(|source| ActError::NoPayment { order_id: plan.order_id.clone(), source })
}

/// Status, version, and what is captured and refunded.
type Expected = (PaymentStatus, u64, i64, i64);

/// What the change makes of the payment, by a reckoning of its own.
fn after(payment: &PaymentInfo, change: Change, authorized_minor: i64, version: u64) -> Expected {
    let (captured, refunded) = (payment.captured_minor, payment.refunded_minor);
    match change {
        Change::Capture(asked) => (PaymentStatus::Captured, version, asked.unwrap_or(authorized_minor), 0),
        Change::Void => (PaymentStatus::Voided, version, 0, 0),
        Change::Refund(asked) => {
            let refunded = asked.map_or(captured, |asked| refunded + asked);
            let status = if refunded == captured { PaymentStatus::Refunded } else { PaymentStatus::Captured };
            (status, version, captured, refunded)
        }
    }
}

fn expect(payment: &PaymentInfo, asked: &'static str, expected: Expected) -> Result<(), ActError> {
    let found = (payment.status, payment.version, payment.captured_minor, payment.refunded_minor);
    if found == expected { Ok(()) } else { Err(ActError::Wrong { asked, payment: Box::new(payment.clone()) }) }
}
