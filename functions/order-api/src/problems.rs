//! The problems this API answers with, beside those of every API.

use axum::http::StatusCode;
use http_problems::{Problem, ProblemHeader, ProblemType, builtin};
use orders::PlaceError;
use payment_events::OrderId;
use telemetry::WithCauses;

/// Version 1.0.0 of the contract listed it, and a header that is listed is removed with the next major version only.
const UNSENT_RETRY_AFTER: ProblemHeader = ProblemHeader {
    required: false,
    description: "Not sent with the problems that there are now: repeating does not help.",
    ..builtin::RETRY_AFTER
};
/// There is another order under this id.
pub(crate) const CONFLICT: ProblemType =
    ProblemType::new(StatusCode::CONFLICT, "order-conflict", "A different order is placed under this id")
        .with_headers(&[UNSENT_RETRY_AFTER]);
/// There is no such order.
pub(crate) const NOT_FOUND: ProblemType =
    ProblemType::new(StatusCode::NOT_FOUND, "order-not-found", "There is no such order");
/// Payments could not be asked, and nothing is stored.
pub(crate) const PAYMENTS_UNREACHABLE: ProblemType =
    ProblemType::new(StatusCode::SERVICE_UNAVAILABLE, "payments-unreachable", "Payments cannot be asked right now")
        .with_headers(&[builtin::RETRY_AFTER]);

/// All of them; each has a page in `docs/api/problems/`.
pub const PROBLEMS: &[ProblemType] = &[CONFLICT, NOT_FOUND, PAYMENTS_UNREACHABLE];

pub(crate) fn not_placed(error: PlaceError) -> Problem {
    match error {
        PlaceError::Conflict { order_id } => {
            let detail =
                format!("Choose a new id for a new order, or send order {order_id} as it was placed to read it.");
            Problem::new(CONFLICT, detail)
        }
        PlaceError::Lookup(error) => {
            tracing::error!(error = %WithCauses(&error), "answered 503: Payments could not be asked");
            let detail = "Nothing was stored. Send the order again in a moment, which is safe; POST /orders takes it \
                          without asking Payments.";
            Problem::new(PAYMENTS_UNREACHABLE, detail).retry_after_s(error.retry_after_s)
        }
        PlaceError::Settle(_) | PlaceError::Gone { .. } => Problem::unavailable(&error),
    }
}

pub(crate) fn not_found(order_id: &OrderId) -> Problem {
    let detail = format!(
        "No order is placed under {order_id}. Its payments, if there are any, are at /orders/{order_id}/payments."
    );
    Problem::new(NOT_FOUND, detail)
}
