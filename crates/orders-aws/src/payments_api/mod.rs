//! Client of the Payments API for synchronous mode: `GET /payments?order_id=`.
//!
//! A lookup follows the pages of the list, up to the payments that settlement considers. It ends within
//! [`Limits::overall`]. A transient failure of a page is retried once, within a retry budget. A circuit breaker opens
//! after consecutive failures (docs/adr/0013). Budget and breaker are per sandbox, because sandboxes share no state.

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
use orders::{LookedUp, LookupError, PAYMENTS_MAX, PaymentLookup};
use payment_events::{OrderId, Timestamp};
use tokio::time::{sleep, timeout};
use tower::retry::budget::{Budget, TpsBudget};

use answer::Page;
use attempt_error::AttemptError;
use breaker::{Admission, Breaker, LookupResult, Transition};

pub use limits::Limits;
pub use url::{InvalidPaymentsUrl, PaymentsUrl};

/// `Retry-After` of a failed lookup while the circuit is closed, in seconds.
const RETRY_AFTER_S: u16 = 1;

/// Maximum number of pages of a lookup: twice as many as [`PAYMENTS_MAX`] payments on full pages, because a page may be
/// shorter.
const PAGES_MAX: usize = 20;

/// Client of the Payments API.
#[derive(Debug)]
pub struct PaymentsApi {
    url: PaymentsUrl,
    aws: SdkConfig,
    /// Reuses its connections across lookups.
    https: Https,
    limits: Limits,
    retries: TpsBudget,
    breaker: Mutex<Breaker>,
}

/// The circuit breaker is open.
#[derive(Debug, thiserror::Error)]
#[error("circuit breaker open for another {0} ms")]
struct Open(u64);

impl PaymentsApi {
    /// Creates a client for the API at `url`. `trust` selects the accepted certificates; `aws` provides the credentials
    /// and the region for signing.
    pub fn new(url: PaymentsUrl, trust: Trust, aws: &SdkConfig, limits: Limits) -> Self {
        // `attempt` bounds the response including its body, so only connecting is bounded here.
        let https = Https::connecting_within(trust, limits.connect);
        let retries = TpsBudget::new(Limits::RETRY_WINDOW, limits.retries_a_second, limits.retry_share);
        let breaker = Mutex::new(Breaker::new(limits.failures_max, limits.open));
        Self { url, aws: aws.clone(), https, limits, retries, breaker }
    }

    /// Opens a connection ahead of the first lookup.
    pub async fn connect(&self) {
        self.https.connect(&self.url.to_string()).await;
    }

    /// Reads pages until the last one, or until there are more payments than settlement considers.
    async fn look_up(&self, order_id: &OrderId) -> Result<LookedUp, AttemptError> {
        let mut payments = Vec::new();
        let mut uri = self.url.of_order(order_id);
        for _ in 0..PAGES_MAX {
            let Page { decided, next } = self.page(&uri, order_id).await?;
            payments.extend(decided);
            let Some(next) = next.filter(|_| payments.len() <= PAYMENTS_MAX) else {
                let has_more = payments.len() > PAYMENTS_MAX;
                payments.truncate(PAYMENTS_MAX);
                return Ok(LookedUp { payments, has_more });
            };
            uri = self.url.of_page(&next);
        }
        payments.truncate(PAYMENTS_MAX);
        Ok(LookedUp { payments, has_more: true })
    }

    /// Makes an attempt at a page, and one retry after a transient failure if the budget allows it.
    async fn page(&self, uri: &str, order_id: &OrderId) -> Result<Page, AttemptError> {
        match self.attempt(uri, order_id).await {
            Err(error) if error.is_transient() && self.retries.withdraw() => {
                tracing::warn!(%order_id, failure = %error, "lookup for order {order_id} failed and will be retried");
                sleep(self.limits.pause_max.mul_f64(fastrand::f64())).await;
                self.attempt(uri, order_id).await
            }
            result => result,
        }
    }

    async fn attempt(&self, uri: &str, order_id: &OrderId) -> Result<Page, AttemptError> {
        let attempt = async {
            let request = request::signed(&self.aws, uri).await.map_err(AttemptError::NotSigned)?;
            let response = self.https.call(request).await.map_err(AttemptError::Connection)?;
            answer::read(response, order_id).await
        };
        let page = within(self.limits.attempt, attempt).await?;
        self.retries.deposit();
        Ok(page)
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
        let context = format!("could not look up the payments of order {order_id} at {}", self.url);
        LookupError { context, retry_after_s, source: source.into() }
    }
}

#[async_trait]
impl PaymentLookup for PaymentsApi {
    async fn payments_of(&self, order_id: &OrderId) -> Result<LookedUp, LookupError> {
        if let Admission::Rejected { remaining_ms } = self.breaker().admit(Timestamp::now()) {
            return Err(self.failed(order_id, seconds(remaining_ms), Open(remaining_ms)));
        }
        let looked_up = within(self.limits.overall, self.look_up(order_id)).await;
        // A lookup that could not be sent says nothing about Payments. A rejection or an invalid response does not
        // count as a failure: Payments responds.
        if looked_up.as_ref().err().is_none_or(AttemptError::came_from_payments) {
            let has_failed = looked_up.as_ref().err().is_some_and(AttemptError::is_transient);
            let result = if has_failed { LookupResult::Failed } else { LookupResult::Succeeded };
            if self.breaker().record(result, Timestamp::now()) == Transition::Opened {
                tracing::error!(open = ?self.limits.open, "circuit breaker open after {} failures", self.limits.failures_max);
            }
        }
        looked_up.map_err(|error| {
            let retry_after_s = self.breaker().remaining_ms(Timestamp::now()).map_or(RETRY_AFTER_S, seconds);
            self.failed(order_id, retry_after_s, error)
        })
    }
}

/// Converts to seconds for `Retry-After`, rounded up.
fn seconds(ms: u64) -> u16 {
    u16::try_from(ms.div_ceil(1_000)).unwrap_or(u16::MAX)
}

async fn within<T>(limit: Duration, call: impl Future<Output = Result<T, AttemptError>>) -> Result<T, AttemptError> {
    timeout(limit, call).await.unwrap_or(Err(AttemptError::TimedOut(limit)))
}
