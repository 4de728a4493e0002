//! Handlers: parse the request, call a use case, map its result to a response.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_problems::Problem;
use http_requests::{JsonBody, PathParameter};
use orders::{FindOrder, OrderQueries, OrderStatus, PlaceOrder, Placed, Placement};
use payment_events::{OrderId, Timestamp};

use crate::messages::{OrderAnswer, PaymentsAnswer};
use crate::problems;
use crate::request::OrderBody;

/// Returns 201 if the order is accepted, 202 if it is stored but not accepted yet, and 200 if it was placed before.
pub(crate) async fn place(
    State(orders): State<PlaceOrder>,
    JsonBody(body): JsonBody<OrderBody>,
) -> Result<Response, Problem> {
    let Placed { order, placement } = orders.place(body.into_request()?).await.map_err(problems::not_placed)?;
    let status = match (placement, order.status) {
        (Placement::Repeated, _) => StatusCode::OK,
        (Placement::New, OrderStatus::Accepted) => StatusCode::CREATED,
        (Placement::New, OrderStatus::AwaitingPayment | OrderStatus::OnHold) => StatusCode::ACCEPTED,
    };
    let location = HeaderValue::try_from(format!("/orders/{}", order.order_id));
    let mut response = (status, Json(OrderAnswer::from(order))).into_response();
    response.headers_mut().extend(location.ok().map(|location| (LOCATION, location)));
    Ok(response)
}

pub(crate) async fn find(
    State(orders): State<FindOrder>,
    PathParameter(order_id): PathParameter<OrderId>,
) -> Result<Json<OrderAnswer>, Problem> {
    let order = orders.find(&order_id).await.map_err(|error| Problem::unavailable(&error))?;
    Ok(Json(order.ok_or_else(|| problems::not_found(&order_id))?.into()))
}

/// Never returns 404: payments may arrive before the order is placed, so an unknown id has an empty list.
pub(crate) async fn list_payments(
    State(queries): State<Arc<dyn OrderQueries>>,
    PathParameter(order_id): PathParameter<OrderId>,
) -> Result<Json<PaymentsAnswer>, Problem> {
    let view = queries.read(&order_id).await.map_err(|error| Problem::unavailable(&error))?;
    Ok(Json(PaymentsAnswer::new(order_id, view.payments, Timestamp::now())))
}
