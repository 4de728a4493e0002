//! Execution of a plan, with a check of each response.

use payment_events::{PaymentInfo, PaymentStatus};
use paystream_client::Client;

use crate::insist::{InsistError, insist, insist_together};
use crate::plan::{Change, Plan, PlannedOrder};

/// Error that ended a plan early.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// A request failed.
    #[error(transparent)]
    Insist(#[from] InsistError),
    /// A response body is not a payment.
    #[error("{order_id}: invalid payment in the response: {source}")]
    NoPayment {
        /// Order that the payment is for.
        order_id: String,
        /// Decoding error.
        source: serde_json::Error,
    },
    /// A payment has an unexpected state.
    #[error("{}: unexpected state after {asked}: {}, version {}, {} captured, {} refunded", payment.order_id, payment.status, payment.version, payment.captured_minor, payment.refunded_minor)]
    Wrong {
        /// Operation requested.
        asked: &'static str,
        /// Payment in the response.
        payment: Box<PaymentInfo>,
    },
}

/// Executes the plan and passes each state of the payment to `seen`. Returns the last state.
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

/// Status, version, captured and refunded amount in minor units.
type Expected = (PaymentStatus, u64, i64, i64);

/// Computes the expected state after a change, independently of the domain code.
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
