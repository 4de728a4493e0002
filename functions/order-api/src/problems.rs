//! Problem types of the Orders API, beyond those of every API.

use axum::http::StatusCode;
use http_problems::{Problem, ProblemType, builtin};
use orders::PlaceError;
use payment_events::OrderId;
use telemetry::WithCauses;

/// A different order has this id.
pub(crate) const CONFLICT: ProblemType =
    ProblemType::new(StatusCode::CONFLICT, "order-conflict", "The order id is used by a different order");
/// No order has this id.
pub(crate) const NOT_FOUND: ProblemType = ProblemType::new(StatusCode::NOT_FOUND, "order-not-found", "No such order");
/// The call to Payments failed. Nothing is stored.
pub(crate) const PAYMENTS_UNREACHABLE: ProblemType =
    ProblemType::new(StatusCode::SERVICE_UNAVAILABLE, "payments-unreachable", "Payments is temporarily unavailable")
        .with_headers(&[builtin::RETRY_AFTER]);

/// All problem types of this module; each has a page in `docs/api/problems/`.
pub const PROBLEMS: &[ProblemType] = &[CONFLICT, NOT_FOUND, PAYMENTS_UNREACHABLE];

pub(crate) fn not_placed(error: PlaceError) -> Problem {
    match error {
        PlaceError::Conflict { order_id } => {
            let detail =
                format!("Use a new id for a new order. To read order {order_id}, send GET /orders/{order_id}.");
            Problem::new(CONFLICT, detail)
        }
        PlaceError::Currency(error) => Problem::invalid("/lines/0/unit_price/currency", error.to_string()),
        PlaceError::Lookup(error) => {
            tracing::error!(error = %WithCauses(&error), "responded 503: the call to Payments failed");
            let detail = "Nothing was stored. It is safe to repeat the same request after the time in retry-after. \
                          POST /orders places the order without a call to Payments.";
            Problem::new(PAYMENTS_UNREACHABLE, detail).retry_after_s(error.retry_after_s)
        }
        PlaceError::Settle(_) | PlaceError::Gone { .. } => Problem::unavailable(&error),
    }
}

pub(crate) fn not_found(order_id: &OrderId) -> Problem {
    let detail = format!(
        "No order has the id {order_id}. Payments that have arrived for it are at /orders/{order_id}/payments."
    );
    Problem::new(NOT_FOUND, detail)
}
