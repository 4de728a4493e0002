//! Payments of a phase: an open loop, in which each payment gets three versions.

use std::time::Duration;

use fastrand::Rng;
use payment_events::PaymentId;
use paystream_client::{ApiError, Pace};
use serde_json::{Value, json};

use super::observations::Version;
use crate::api::{Api, PaymentAnswer};

/// Versions of each payment: made, captured, partly refunded.
const VERSIONS: usize = 3;
/// Maximum random pause between the versions of a payment, so that some share a batch and some do not.
const PAUSE_MAX_MS: u64 = 120;
/// Bound on the retries of a request, with the same idempotency key.
const RETRYING: Pace = Pace::within(Duration::from_mins(1), Duration::from_millis(50)).doubling(Duration::from_secs(1));

/// A payment to make.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) at: Duration,
    pub(super) order_id: String,
    /// Pauses before its second and third version.
    pauses: [Duration; VERSIONS - 1],
}

/// A payment that was made, with the time at which Payments stored each version, in Unix milliseconds.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) order_id: String,
    pub(super) payment_id: PaymentId,
    pub(super) stored_ms: Vec<i64>,
}

impl Made {
    pub(super) fn versions(&self) -> impl Iterator<Item = (Version, i64)> {
        (1..).zip(&self.stored_ms).map(|(number, stored_ms)| ((self.payment_id.clone(), number), *stored_ms))
    }

    /// Number of the last version, and the time at which it was stored.
    pub(super) fn last(&self) -> (u64, i64) {
        (self.stored_ms.len() as u64, self.stored_ms.last().copied().unwrap_or_default())
    }
}

/// Plans payments at this rate for this long. All systems get the same plan.
pub(super) fn plan(rate: f64, duration: Duration, prefix: &str, seed: u64) -> Vec<Planned> {
    let mut rng = Rng::with_seed(seed);
    let times = (0_u32..).map(|number| Duration::from_secs_f64(f64::from(number) / rate));
    let planned = (0_u32..).zip(times.take_while(|at| *at < duration)).map(|(number, at)| Planned {
        at,
        order_id: format!("{prefix}-{number}"),
        pauses: std::array::from_fn(|_| Duration::from_millis(rng.u64(..PAUSE_MAX_MS))),
    });
    planned.collect()
}

/// Makes a payment and its changes. Returns `None` if a request fails for good, or the response has another version.
pub(super) async fn make(api: Api, planned: Planned) -> Option<Made> {
    let amount = |minor: i64| json!({"minor": minor, "currency": "EUR"});
    let order_id = planned.order_id;
    let body = json!({"order_id": order_id, "amount": amount(1_299), "method": {"token": "tok_approve"}});
    let payment = insist(&api, "/payments", &body, &order_id).await?;
    let mut stored_ms = vec![payment.updated_at.unix_ms()];
    let changes = [("capture", json!({})), ("refund", json!({"amount": amount(300)}))];
    for ((step, body), pause) in changes.into_iter().zip(planned.pauses) {
        tokio::time::sleep(pause).await;
        let path = format!("/payments/{}/{step}", payment.payment_id);
        let changed = insist(&api, &path, &body, &format!("{order_id}-{step}")).await?;
        stored_ms.push(changed.updated_at.unix_ms());
        if changed.version != stored_ms.len() as u64 {
            return None;
        }
    }
    Some(Made { order_id, payment_id: payment.payment_id.parse().ok()?, stored_ms })
}

/// Repeats a request until it succeeds, fails for good, or the bound is over.
async fn insist(api: &Api, path: &str, body: &Value, key: &str) -> Option<PaymentAnswer> {
    let mut retrying = RETRYING.begin();
    loop {
        match api.change(path, body, key).await {
            Ok(payment) => return Some(payment),
            Err(ApiError::Status { status: 400 | 403 | 404 | 422, .. } | ApiError::Request(_)) => return None,
            Err(_) if !retrying.again().await => return None,
            Err(_) => {}
        }
    }
}
