//! Payments over REST: what synchronous mode asks, `GET /payments?order_id=`, and waits for.
//!
//! Whoever asks is answered within a bound, whatever Payments does. One attempt that fails in a way that may pass is
//! followed by one more, unless too many were lately; where lookups keep failing, a circuit breaker opens for a while
//! (docs/adr/0013). All of that is counted for each sandbox on its own: sandboxes share nothing.

mod answer;
mod attempt_error;
mod breaker;
mod limits;
mod request;
mod url;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_connection::{Https, Trust};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_types::SdkConfig;
use orders::{LookupError, PaymentLookup};
use payment_events::{OrderId, PaymentInfo, Timestamp};
use tokio::time::{sleep, timeout};
use tower::retry::budget::{Budget, TpsBudget};

use attempt_error::AttemptError;
use breaker::{Admission, Breaker, LookupResult, Transition};

pub use limits::Limits;
pub use url::{InvalidPaymentsUrl, PaymentsUrl};

/// When to come back after a lookup that failed, in seconds, where the circuit is closed.
const RETRY_AFTER_S: u16 = 1;

/// The Payments API, as Orders asks it.
#[derive(Debug)]
pub struct PaymentsApi {
    url: PaymentsUrl,
    aws: SdkConfig,
    /// Keeps its connections for the next lookup.
    https: Https,
    limits: Limits,
    retries: TpsBudget,
    breaker: Mutex<Breaker>,
}

/// The circuit breaker is open.
#[derive(Debug, thiserror::Error)]
#[error("the lookups before this one failed: it is not asked for {0} ms")]
struct Open(u64);

impl PaymentsApi {
    /// The API at `url`, if it has a certificate that is trusted so, asked with the credentials and for the region of `aws`,
    /// within `limits`.
    pub fn new(url: PaymentsUrl, trust: Trust, aws: &SdkConfig, limits: Limits) -> Self {
        // How long an answer may take is bounded here, with its body.
        let https = Https::connecting_within(trust, limits.connect);
        let retries = TpsBudget::new(Limits::RETRY_WINDOW, limits.retries_a_second, limits.retry_share);
        let breaker = Mutex::new(Breaker::new(limits.failures_max, limits.open));
        Self { url, aws: aws.clone(), https, limits, retries, breaker }
    }

    /// Connects, so that the first lookup finds a connection.
    pub async fn connect(&self) {
        self.https.connect(&self.url.to_string()).await;
    }

    /// Asks once, and once more where that may help and the budget has it.
    async fn ask(&self, uri: &str, order_id: &OrderId) -> Result<Vec<PaymentInfo>, AttemptError> {
        match self.attempt(uri, order_id).await {
            Err(error) if error.is_transient() && self.retries.withdraw() => {
                tracing::warn!(%order_id, failure = %error, "lookup for order {order_id} failed and will be retried");
                sleep(self.limits.pause_max.mul_f64(fastrand::f64())).await;
                self.attempt(uri, order_id).await
            }
            asked => asked,
        }
    }

    async fn attempt(&self, uri: &str, order_id: &OrderId) -> Result<Vec<PaymentInfo>, AttemptError> {
        let attempt = async {
            let request = request::signed(&self.aws, uri).await.map_err(AttemptError::NotSigned)?;
            let response = self.https.call(request).await.map_err(AttemptError::Connection)?;
            answer::read(response, order_id).await
        };
        let payments = within(self.limits.attempt, attempt).await?;
        self.retries.deposit();
        Ok(payments)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(
        &self,
        order_id: &OrderId,
        retry_after_s: u16,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> LookupError {
        let context = format!("could not ask {} for the payments of {order_id}", self.url);
        LookupError { context, retry_after_s, source: source.into() }
    }
}

#[async_trait]
impl PaymentLookup for PaymentsApi {
    async fn payments_of(&self, order_id: &OrderId) -> Result<Vec<PaymentInfo>, LookupError> {
        if let Admission::Rejected { remaining_ms } = self.breaker().admit(Timestamp::now()) {
            return Err(self.failed(order_id, seconds(remaining_ms), Open(remaining_ms)));
        }
        let uri = self.url.of_order(order_id);
        let asked = within(self.limits.overall, self.ask(&uri, order_id)).await;
        // Of what could not be asked nothing is learned. What is refused or cannot be understood is no reason to leave
        // Payments alone: it answers.
        if asked.as_ref().err().is_none_or(AttemptError::came_from_payments) {
            let has_failed = asked.as_ref().err().is_some_and(AttemptError::is_transient);
            let result = if has_failed { LookupResult::Failed } else { LookupResult::Answered };
            if self.breaker().record(result, Timestamp::now()) == Transition::Opened {
                tracing::error!(open = ?self.limits.open, "circuit breaker open after {} failures", self.limits.failures_max);
            }
        }
        asked.map_err(|error| {
            let retry_after_s = self.breaker().remaining_ms(Timestamp::now()).map_or(RETRY_AFTER_S, seconds);
            self.failed(order_id, retry_after_s, error)
        })
    }
}

/// As `Retry-After` has it, rounded up.
fn seconds(ms: u64) -> u16 {
    u16::try_from(ms.div_ceil(1_000)).unwrap_or(u16::MAX)
}

async fn within<T>(limit: Duration, asking: impl Future<Output = Result<T, AttemptError>>) -> Result<T, AttemptError> {
    timeout(limit, asking).await.unwrap_or(Err(AttemptError::TimedOut(limit)))
}
