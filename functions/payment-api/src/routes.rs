//! The routes: translate, call, translate back.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::header::{HeaderMap, HeaderName, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http_problems::{JsonBody, PathParameter, Problem, QueryParameters, with_problems};
use lambda_http::request::RequestContext;
use payment_events::PaymentId;
use payments::{AcceptPayment, Accepted, IdempotencyKey, PaymentQueries, PaymentRequest};

use crate::caller::caller;
use crate::messages::{ByOrder, PaymentBody, PaymentList, PaymentView};
use crate::problems;

/// The largest body taken, in bytes.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// Says whether an answer is an earlier request's.
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

type Queries = Arc<dyn PaymentQueries>;

/// All routes: payments are accepted through `accept` and read from `queries`.
pub fn router(accept: AcceptPayment, queries: Queries) -> Router {
    let reads = Router::new().route("/payments", get(list)).route("/payments/{payment_id}", get(find));
    let routes = Router::new().route("/payments", post(pay)).with_state(accept).merge(reads.with_state(queries));
    with_problems(routes, BODY_BYTES_MAX)
}

async fn pay(
    State(accept): State<AcceptPayment>,
    context: Option<Extension<RequestContext>>,
    RequiredKey(key): RequiredKey,
    headers: HeaderMap,
    JsonBody(body): JsonBody<PaymentBody>,
) -> Result<Response, Problem> {
    let request = PaymentRequest {
        caller: caller(context.as_deref()),
        key,
        order_id: body.order_id,
        amount: body.amount.into_money()?,
        token: body.method.token,
        // A trace is an aid: one that cannot be read is left out.
        trace_parent: headers.get("traceparent").and_then(|value| value.to_str().ok()?.parse().ok()),
    };
    let Accepted { payment, replayed } = accept.accept(&request).await.map_err(problems::not_accepted)?;
    tracing::info!(payment_id = %payment.payment_id, order_id = %payment.order_id, status = %payment.status, replayed,
        "payment {} is {}", payment.payment_id, payment.status);

    let location = HeaderValue::try_from(format!("/payments/{}", payment.payment_id));
    let mut response = (StatusCode::CREATED, Json(PaymentView::from(payment))).into_response();
    response.headers_mut().extend(location.ok().map(|location| (LOCATION, location)));
    if replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

async fn find(
    State(queries): State<Queries>,
    PathParameter(payment_id): PathParameter<PaymentId>,
) -> Result<Json<PaymentView>, Problem> {
    let payment = queries.find(&payment_id).await.map_err(|error| Problem::unavailable(&error))?;
    match payment {
        Some(payment) => Ok(Json(payment.into())),
        None => Err(Problem::new(problems::NOT_FOUND, format!("No payment has the id {payment_id}."))),
    }
}

async fn list(
    State(queries): State<Queries>,
    QueryParameters(ByOrder { order_id }): QueryParameters<ByOrder>,
) -> Result<Json<PaymentList>, Problem> {
    let payments = queries.find_by_order(&order_id).await.map_err(|error| Problem::unavailable(&error))?;
    Ok(Json(PaymentList { payments: payments.into_iter().map(PaymentView::from).collect() }))
}

/// The `Idempotency-Key` header, without which no money moves.
struct RequiredKey(IdempotencyKey);

impl<S: Sync> FromRequestParts<S> for RequiredKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let header = parts.headers.get("idempotency-key").ok_or_else(|| {
            let detail =
                "Send an Idempotency-Key header with a value of your own, such as a UUID; a retry sends the same one.";
            Problem::new(problems::KEY_MISSING, detail)
        })?;
        let invalid = |reason: String| Problem::invalid("idempotency-key", reason);
        let text = header.to_str().map_err(|_| invalid(payments::InvalidIdempotencyKey.to_string()))?;
        text.parse().map(Self).map_err(|error: payments::InvalidIdempotencyKey| invalid(error.to_string()))
    }
}
