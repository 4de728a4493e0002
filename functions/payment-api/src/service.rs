//! Use cases behind the routes, and the response of those that make or change a payment.

use std::sync::Arc;

use axum::Json;
use axum::http::header::{ETAG, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use payments::{AcceptPayment, Caller, ChangePayment, Payment, PaymentQueries, Published};
use telemetry::Metrics;

use crate::audit::log_done;
use crate::etag::etag;
use crate::messages::PaymentView;
use crate::test_tokens::TestTokens;

/// Header of a response that replays the result of an earlier request.
pub(crate) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Use cases that the routes call.
#[derive(Clone)]
pub struct Service {
    /// Use case of `POST /payments`.
    pub accept: AcceptPayment,
    /// Use case of capture, void and refund.
    pub change: ChangePayment,
    /// Read access for both `GET` routes.
    pub queries: Arc<dyn PaymentQueries>,
    /// Counts `PublishedHot`, payments published directly, and `Deferred`, payments whose direct publish failed. In
    /// `stream` mode there is no direct publish, and nothing is counted.
    pub metrics: Metrics,
    /// Treatment of the simulator's tokens.
    pub test_tokens: TestTokens,
}

impl Service {
    /// Returns the response to a request that made or changed `payment` by `action`. `published` is `None` if an
    /// earlier request did so.
    pub(crate) fn respond(
        &self,
        status: StatusCode,
        action: &str,
        caller: &Caller,
        payment: Payment,
        published: Option<&Published>,
    ) -> Response {
        let replayed = published.is_none();
        log_done(action, caller, &payment, replayed);
        match published {
            Some(Published::Now) => self.metrics.count(&[("PublishedHot", 1)]),
            Some(Published::Deferred) => self.metrics.count(&[("Deferred", 1)]),
            Some(Published::ByRelay | Published::Rejected(_)) | None => {}
        }
        let mut response = (status, payment_response(payment)).into_response();
        if replayed {
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// Returns the response with a payment and its entity tag.
pub(crate) fn payment_response(payment: Payment) -> Response {
    let etag = etag(payment.version);
    let mut response = Json(PaymentView::from(payment)).into_response();
    response.headers_mut().extend(etag.map(|etag| (ETAG, etag)));
    response
}
