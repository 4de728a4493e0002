//! The routes: translate, call, translate back.

use std::sync::Arc;

use api_gateway::Identity;
use axum::extract::State;
use axum::http::header::{ETAG, HeaderName, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, Router};
use http_problems::contract::Routes;
use http_problems::{JsonBody, PathParameter, Problem, QueryParameters, with_problems};
use payment_events::{PaymentId, TraceParent};
use payments::{AcceptPayment, Accepted, ChangePayment, Payment, PaymentQueries, PaymentRequest, Published};
use telemetry::Metrics;

use crate::caller::caller;
use crate::etag::etag;
use crate::headers::{OptionalTrace, RequiredKey};
use crate::messages::{ByOrder, PaymentBody, PaymentList, PaymentView};
use crate::{changes, contract, problems};

/// The largest body taken, in bytes.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// Says whether an answer is an earlier request's.
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What the routes call.
#[derive(Clone)]
pub struct Service {
    /// Behind `POST /payments`.
    pub accept: AcceptPayment,
    /// Behind capture, void and refund.
    pub change: ChangePayment,
    /// Behind both `GET`s.
    pub queries: Arc<dyn PaymentQueries>,
    /// Counts `PublishedHot` and `Deferred`: payments that left with their answer, and that are left to the relay.
    pub metrics: Metrics,
}

/// All routes.
pub fn router(service: Service) -> Router {
    with_problems(routes(Router::new()).with_state(service), BODY_BYTES_MAX)
}

/// Each route, with what answers it and what is said of it.
pub(crate) fn routes<R: Routes<Service>>(routes: R) -> R {
    routes
        .post("/payments", pay, contract::pay)
        .get("/payments", list, contract::list)
        .get("/payments/{payment_id}", find, contract::find)
        .post("/payments/{payment_id}/capture", changes::capture, contract::capture)
        .post("/payments/{payment_id}/void", changes::void, contract::void)
        .post("/payments/{payment_id}/refund", changes::refund, contract::refund)
}

impl Service {
    /// The answer to a request that made `payment` what it is, or did so before where nothing was published.
    pub(crate) fn answer(&self, status: StatusCode, payment: Payment, published: Option<Published>) -> Response {
        let replayed = published.is_none();
        let trace_id = payment.trace_parent.as_ref().map(TraceParent::trace_id);
        tracing::info!(payment_id = %payment.payment_id, order_id = %payment.order_id, status = %payment.status,
            version = payment.version, replayed, trace_id, "payment {} is {}", payment.payment_id, payment.status);
        match published {
            Some(Published::Now) => self.metrics.count(&[("PublishedHot", 1)]),
            Some(Published::Deferred) => self.metrics.count(&[("Deferred", 1)]),
            None => {}
        }
        let mut response = (status, view(payment)).into_response();
        if replayed {
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// A payment, with its entity tag.
fn view(payment: Payment) -> Response {
    let etag = etag(payment.version);
    let mut response = Json(PaymentView::from(payment)).into_response();
    response.headers_mut().extend(etag.map(|etag| (ETAG, etag)));
    response
}

async fn pay(
    State(service): State<Service>,
    identity: Option<Extension<Identity>>,
    RequiredKey(key): RequiredKey,
    OptionalTrace(trace_parent): OptionalTrace,
    JsonBody(body): JsonBody<PaymentBody>,
) -> Result<Response, Problem> {
    let request = PaymentRequest {
        caller: caller(identity.as_deref()),
        key,
        order_id: body.order_id,
        amount: body.amount.0.into_money()?,
        token: body.method.0.token,
        trace_parent,
    };
    let accepted = service.accept.accept(&request).await;
    let Accepted { payment, published } = accepted.map_err(problems::not_accepted)?;
    let location = HeaderValue::try_from(format!("/payments/{}", payment.payment_id));
    let mut response = service.answer(StatusCode::CREATED, payment, published);
    response.headers_mut().extend(location.ok().map(|location| (LOCATION, location)));
    Ok(response)
}

async fn find(
    State(service): State<Service>,
    PathParameter(payment_id): PathParameter<PaymentId>,
) -> Result<Response, Problem> {
    let payment = service.queries.find(&payment_id).await.map_err(|error| Problem::unavailable(&error))?;
    payment.map(view).ok_or_else(|| problems::not_found(&payment_id))
}

async fn list(
    State(service): State<Service>,
    QueryParameters(ByOrder { order_id }): QueryParameters<ByOrder>,
) -> Result<Json<PaymentList>, Problem> {
    let payments = service.queries.find_by_order(&order_id).await.map_err(|error| Problem::unavailable(&error))?;
    Ok(Json(PaymentList { payments: payments.into_iter().map(PaymentView::from).collect() }))
}
