//! The routes: translate, call, translate back.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http_problems::contract::Routes;
use http_problems::{JsonBody, PathParameter, Problem, with_problems};
use orders::{FindOrder, OrderQueries, OrderStatus, PlaceOrder, Placed, Placement};
use payment_events::{OrderId, Timestamp};

use crate::messages::{OrderAnswer, PaymentsAnswer};
use crate::request::OrderBody;
use crate::{contract, problems};

/// The largest body taken, in bytes: a hundred lines with all their fields at their longest are less than half of it.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

type Queries = Arc<dyn OrderQueries>;

/// All routes: orders are placed through `place` and shown through `find`, and payments are read from `queries`.
pub fn router(place: PlaceOrder, find: FindOrder, queries: Queries) -> Router {
    let orders = placing(Router::new()).with_state(place);
    let shown = showing(Router::new()).with_state(find);
    let payments = reading(Router::new()).with_state(queries);
    with_problems(orders.merge(shown).merge(payments), BODY_BYTES_MAX)
}

/// The route of synchronous mode: orders are placed through `place`, which asks Payments.
///
/// It is the only one. An order is the same one whichever way it was placed, and is read under `/orders`.
pub fn sync_router(place: PlaceOrder) -> Router {
    with_problems(asking(Router::new()).with_state(place), BODY_BYTES_MAX)
}

// Each route, with what answers it and what is said of it.

pub(crate) fn placing<R: Routes<PlaceOrder>>(routes: R) -> R {
    routes.post("/orders", order, contract::order)
}

pub(crate) fn asking<R: Routes<PlaceOrder>>(routes: R) -> R {
    routes.post("/sync/orders", order, contract::order_asking)
}

pub(crate) fn showing<R: Routes<FindOrder>>(routes: R) -> R {
    routes.get("/orders/{order_id}", show, contract::show)
}

pub(crate) fn reading<R: Routes<Queries>>(routes: R) -> R {
    routes.get("/orders/{order_id}/payments", payments, contract::payments)
}

/// 201 where the order is accepted, 202 where it is stored and not accepted yet, 200 where it was placed before.
async fn order(State(place): State<PlaceOrder>, JsonBody(body): JsonBody<OrderBody>) -> Result<Response, Problem> {
    let Placed { order, placement } = place.place(body.into_request()?).await.map_err(problems::not_placed)?;
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

async fn show(
    State(find): State<FindOrder>,
    PathParameter(order_id): PathParameter<OrderId>,
) -> Result<Json<OrderAnswer>, Problem> {
    let order = find.find(&order_id).await.map_err(|error| Problem::unavailable(&error))?;
    Ok(Json(order.ok_or_else(|| problems::not_found(&order_id))?.into()))
}

/// An order that is not placed yet may have payments: that there is nothing under an id is an empty list.
async fn payments(
    State(queries): State<Queries>,
    PathParameter(order_id): PathParameter<OrderId>,
) -> Result<Json<PaymentsAnswer>, Problem> {
    let view = queries.read(&order_id).await.map_err(|error| Problem::unavailable(&error))?;
    Ok(Json(PaymentsAnswer::new(order_id, view.payments, Timestamp::now())))
}
