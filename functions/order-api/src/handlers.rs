//! Handlers: parse the request, call a use case, map its result to a response.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{LINK, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_pages::{Cursor, NextPage};
use http_problems::Problem;
use http_requests::{JsonBody, PathParameter, QueryParameters};
use orders::{FindOrder, Found, OrderStatus, PaymentPages, PlaceOrder, Placed, Placement};
use payment_events::{OrderId, Timestamp};

use crate::messages::{OrderAnswer, PaymentsAnswer};
use crate::problems;
use crate::request::{OrderBody, PaymentsQuery};

/// Returns 201 if the order is accepted, 202 if it is stored but not accepted yet, and 200 if it was placed before.
pub(crate) async fn place(
    State(orders): State<PlaceOrder>,
    JsonBody(body): JsonBody<OrderBody>,
) -> Result<Response, Problem> {
    placed(&orders, body, "orders").await
}

/// Like [`place`], for `POST /sync/orders`.
pub(crate) async fn place_synchronously(
    State(orders): State<PlaceOrder>,
    JsonBody(body): JsonBody<OrderBody>,
) -> Result<Response, Problem> {
    placed(&orders, body, "../orders").await
}

/// Places the order. `list` refers to the path of all orders, relative to the path of the request, so that `Location`
/// stays below the stage and the base path of the request.
async fn placed(orders: &PlaceOrder, body: OrderBody, list: &str) -> Result<Response, Problem> {
    let Placed { order, coverage, placement } =
        orders.place(body.into_request()?).await.map_err(problems::not_placed)?;
    let status = match (placement, order.status) {
        (Placement::Repeated, _) => StatusCode::OK,
        (Placement::New, OrderStatus::Accepted) => StatusCode::CREATED,
        (Placement::New, OrderStatus::AwaitingPayment | OrderStatus::OnHold) => StatusCode::ACCEPTED,
    };
    let location = HeaderValue::try_from(format!("{list}/{}", order.order_id));
    let mut response = (status, Json(OrderAnswer::new(order, coverage))).into_response();
    response.headers_mut().extend(location.ok().map(|location| (LOCATION, location)));
    Ok(response)
}

pub(crate) async fn find(
    State(orders): State<FindOrder>,
    PathParameter(order_id): PathParameter<OrderId>,
) -> Result<Json<OrderAnswer>, Problem> {
    let found = orders.find(&order_id).await.map_err(|error| Problem::unavailable(&error))?;
    let Found { order, coverage } = found.ok_or_else(|| problems::not_found(&order_id))?;
    Ok(Json(OrderAnswer::new(order, coverage)))
}

/// Never returns 404: payments may arrive before the order is placed, so an unknown id has an empty list.
pub(crate) async fn list_payments(
    State(pages): State<Arc<dyn PaymentPages>>,
    PathParameter(order_id): PathParameter<OrderId>,
    QueryParameters(PaymentsQuery { limit, cursor }): QueryParameters<PaymentsQuery>,
) -> Result<Response, Problem> {
    let after = cursor.as_ref().map(|cursor| cursor.after_in(order_id.as_str())).transpose()?;
    let page = pages.page(&order_id, after, limit.get()).await.map_err(|error| Problem::unavailable(&error))?;
    if page.unreadable > 0 {
        tracing::error!(%order_id, unreadable = page.unreadable,
            "{} payments of order {order_id} cannot be decoded and were left out of a list", page.unreadable);
    }
    let next = page.next_after.as_ref().map(|last| NextPage::new(&[], limit, &Cursor::new(order_id.as_str(), last)));
    let link = next.as_ref().and_then(NextPage::link);
    let mut response = Json(PaymentsAnswer::new(order_id, page, next, Timestamp::now())).into_response();
    response.headers_mut().extend(link.map(|link| (LINK, link)));
    Ok(response)
}
