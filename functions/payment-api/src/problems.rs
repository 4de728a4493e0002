//! The problems this API answers with, beside those of every API.

use axum::http::StatusCode;
use http_problems::{Problem, ProblemKind};
use payments::AcceptError;

/// `POST /payments` without an `Idempotency-Key`.
pub(crate) const KEY_MISSING: ProblemKind =
    ProblemKind::new(StatusCode::BAD_REQUEST, "idempotency-key-missing", "An Idempotency-Key header is needed");
/// The key was used for another payment.
const KEY_REUSED: ProblemKind = ProblemKind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "idempotency-key-reused",
    "The Idempotency-Key was used for a different payment",
);
/// The first request with the key has not ended yet.
const IN_PROGRESS: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "payment-in-progress", "This payment is being made right now");
/// The processor gave no answer.
const PROCESSOR_UNAVAILABLE: ProblemKind =
    ProblemKind::new(StatusCode::SERVICE_UNAVAILABLE, "processor-unavailable", "The payment processor does not answer");
/// There is no such payment.
pub(crate) const NOT_FOUND: ProblemKind =
    ProblemKind::new(StatusCode::NOT_FOUND, "payment-not-found", "There is no such payment");

pub(crate) fn not_accepted(error: AcceptError) -> Problem {
    match error {
        AcceptError::KeyReused => {
            Problem::new(KEY_REUSED, "Use a new key for a new payment, or send the first body again.")
        }
        AcceptError::InProgress { retry_after_ms } => {
            let seconds = u16::try_from(retry_after_ms.div_ceil(1_000)).unwrap_or(u16::MAX);
            Problem::new(IN_PROGRESS, "Wait, then send the same request again to learn how it ended.")
                .retry_after_s(seconds)
        }
        AcceptError::Processor(error) => {
            tracing::warn!(%error, "answered 503: no answer from the processor");
            let detail =
                "The payment is kept. Send the same request, with the same key, to finish it; it is charged once.";
            Problem::new(PROCESSOR_UNAVAILABLE, detail).retry_after_s(1)
        }
        AcceptError::Store(error) => Problem::unavailable(&error),
        AcceptError::Defect(_) => Problem::internal(&error),
    }
}
