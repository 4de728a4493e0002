//! Handlers that make and read payments. Each one parses a request, calls a use case and maps its result to a response.

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, LINK, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_pages::{Cursor, InvalidCursor, NextPage};
use http_problems::Problem;
use http_requests::{JsonBody, PathParameter, QueryParameters};
use payment_events::PaymentId;
use payments::{Accepted, PaymentRequest, PaymentsPage, Preconditions};

use crate::caller::CalledBy;
use crate::etag::etag;
use crate::headers::{ConditionalOn, OptionalTrace};
use crate::idempotency_key::RequiredKey;
use crate::messages::{ByOrder, PaymentBody, PaymentList, PaymentView};
use crate::problems;
use crate::service::{Service, payment_response};

pub(crate) async fn pay(
    State(service): State<Service>,
    CalledBy { caller, .. }: CalledBy,
    RequiredKey(key): RequiredKey,
    OptionalTrace(trace_parent): OptionalTrace,
    JsonBody(body): JsonBody<PaymentBody>,
) -> Result<Response, Problem> {
    service.test_tokens.check(&body.method.0.token)?;
    let request = PaymentRequest {
        caller,
        key,
        order_id: body.order_id,
        amount: body.amount.0.into_money()?,
        token: body.method.0.token,
        trace_parent,
    };
    let accepted = service.accept.accept(&request).await;
    let Accepted { payment, published } = accepted.map_err(problems::not_accepted)?;
    // Relative to `/payments`, so that it stays below the stage and the base path of the request.
    let location = HeaderValue::try_from(format!("payments/{}", payment.payment_id));
    let mut response = service.respond(StatusCode::CREATED, "pay", &request.caller, payment, published.as_ref());
    response.headers_mut().extend(location.ok().map(|location| (LOCATION, location)));
    Ok(response)
}

pub(crate) async fn find(
    State(service): State<Service>,
    called_by: CalledBy,
    PathParameter(payment_id): PathParameter<PaymentId>,
    ConditionalOn(Preconditions { only, except }): ConditionalOn,
) -> Result<Response, Problem> {
    let payment = service.queries.find(&payment_id).await.map_err(|error| Problem::unavailable(&error))?;
    let payment = payment.ok_or_else(|| problems::not_found(&payment_id))?;
    if !called_by.access.allows(&payment) {
        return Err(called_by.denied(&payment_id));
    }
    let version = payment.version;
    // In the order of RFC 9110, section 13.2.2.
    let mut response = if !only.contains(version) {
        problems::version_mismatch(version).into_response()
    } else if except.contains(version) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        return Ok(payment_response(payment));
    };
    response.headers_mut().extend(etag(version).map(|etag| (ETAG, etag)));
    Ok(response)
}

pub(crate) async fn list(
    State(service): State<Service>,
    CalledBy { access, .. }: CalledBy,
    QueryParameters(ByOrder { order_id, limit, cursor }): QueryParameters<ByOrder>,
) -> Result<Response, Problem> {
    let after: Option<PaymentId> = match &cursor {
        Some(cursor) => {
            let after = cursor.after_in(order_id.as_str())?.parse();
            Some(after.map_err(|_| Problem::invalid("cursor", InvalidCursor.to_string()))?)
        }
        None => None,
    };
    let page = service.queries.find_by_order(&order_id, after.as_ref(), limit.get()).await;
    let PaymentsPage { payments, next_after } = page.map_err(|error| Problem::unavailable(&error))?;
    let next = next_after.map(|last| {
        let cursor = Cursor::new(order_id.as_str(), last.as_str());
        NextPage::new(&[("order_id", order_id.as_str())], limit, &cursor)
    });
    let link = next.as_ref().and_then(NextPage::link);
    // The page may get shorter, or empty. The next one begins after all payments that were read.
    let payments = payments.into_iter().filter(|payment| access.allows(payment));
    let list = PaymentList { payments: payments.map(PaymentView::from).collect(), next };
    let mut response = Json(list).into_response();
    response.headers_mut().extend(link.map(|link| (LINK, link)));
    Ok(response)
}
