//! Problem types of this API, in addition to those shared by all APIs.

use axum::http::StatusCode;
use http_problems::{Member, Problem, ProblemHeader, ProblemType, builtin};
use payment_events::PaymentId;
use payments::{AcceptError, ChangeError, IllegalTransition};

/// A payment or a refund without an `Idempotency-Key`.
pub(crate) const KEY_MISSING: ProblemType =
    ProblemType::new(StatusCode::BAD_REQUEST, "idempotency-key-missing", "An Idempotency-Key header is required");
/// The key was used for a different payment, or a different change of the payment.
pub(crate) const KEY_REUSED: ProblemType = ProblemType::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "idempotency-key-reused",
    "The Idempotency-Key was used for a different request",
);
/// An earlier request with the key is still in progress.
pub(crate) const IN_PROGRESS: ProblemType =
    ProblemType::new(StatusCode::CONFLICT, "payment-in-progress", "The payment is still being processed")
        .with_headers(&[builtin::RETRY_AFTER]);
/// The payment processor did not decide.
pub(crate) const PROCESSOR_UNAVAILABLE: ProblemType =
    ProblemType::new(StatusCode::SERVICE_UNAVAILABLE, "processor-unavailable", "The payment processor is unavailable")
        .with_headers(&[builtin::RETRY_AFTER]);
/// Current status of the payment.
const PAYMENT_STATUS: Member =
    Member { name: "payment_status", holds: "string", description: "Current status of the payment." };
/// Amount available to capture or refund.
const AVAILABLE_MINOR: Member = Member {
    name: "available_minor",
    holds: "integer",
    description: "Amount available to capture or refund, in minor units of the payment's currency.",
};
/// Current version of the payment.
const ETAG: ProblemHeader = ProblemHeader {
    name: "etag",
    required: true,
    description: "Current version of the payment.",
    schema: r#"{ "type": "string", "pattern": "^\"[0-9]+\"$", "examples": ["\"2\""] }"#,
};
/// The payment's status does not allow the change.
pub(crate) const ILLEGAL_TRANSITION: ProblemType =
    ProblemType::new(StatusCode::CONFLICT, "illegal-transition", "The payment's status does not allow this change")
        .with_members(&[PAYMENT_STATUS]);
/// The amount exceeds what is available to capture or refund, or is in another currency.
pub(crate) const AMOUNT_UNAVAILABLE: ProblemType =
    ProblemType::new(StatusCode::UNPROCESSABLE_ENTITY, "amount-unavailable", "The amount is not available")
        .with_members(&[PAYMENT_STATUS, AVAILABLE_MINOR]);
/// The change repeatedly lost to concurrent ones.
pub(crate) const CHANGED: ProblemType =
    ProblemType::new(StatusCode::CONFLICT, "payment-changed", "The payment was changed concurrently")
        .with_headers(&[builtin::RETRY_AFTER]);
/// `If-Match` does not allow the payment's current version.
pub(crate) const VERSION_MISMATCH: ProblemType =
    ProblemType::new(StatusCode::PRECONDITION_FAILED, "version-mismatch", "The payment has changed")
        .with_headers(&[ETAG]);
/// The payment has reached its maximum number of refunds.
pub(crate) const TOO_MANY_REFUNDS: ProblemType =
    ProblemType::new(StatusCode::CONFLICT, "too-many-refunds", "The payment has reached its maximum number of refunds");
/// No payment has this id.
pub(crate) const NOT_FOUND: ProblemType =
    ProblemType::new(StatusCode::NOT_FOUND, "payment-not-found", "There is no such payment");

pub(crate) fn key_missing() -> Problem {
    let detail =
        "Send an Idempotency-Key header with a unique value, such as a UUID. A retry must send the same value.";
    Problem::new(KEY_MISSING, detail)
}

/// All problem types of this API. Each has a page in `docs/api/problems/`.
pub const PROBLEMS: &[ProblemType] = &[
    KEY_MISSING,
    KEY_REUSED,
    IN_PROGRESS,
    PROCESSOR_UNAVAILABLE,
    ILLEGAL_TRANSITION,
    AMOUNT_UNAVAILABLE,
    CHANGED,
    VERSION_MISMATCH,
    TOO_MANY_REFUNDS,
    NOT_FOUND,
];

pub(crate) fn not_accepted(error: AcceptError) -> Problem {
    match error {
        AcceptError::KeyReused => {
            Problem::new(KEY_REUSED, "Use a new key for a new payment, or send the first body again.")
        }
        AcceptError::InProgress { retry_after_ms } => {
            let seconds = u16::try_from(retry_after_ms.div_ceil(1_000)).unwrap_or(u16::MAX).max(1);
            Problem::new(IN_PROGRESS, "Wait, then send the same request again to get the result.")
                .retry_after_s(seconds)
        }
        AcceptError::Currency(error) => Problem::invalid("/amount/currency", error.to_string()),
        AcceptError::Processor(error) => {
            tracing::warn!(%error, "no decision from the payment processor; a retry completes the payment (503)");
            let detail =
                "The payment is stored. Send the same request with the same key to complete it; it is charged once.";
            Problem::new(PROCESSOR_UNAVAILABLE, detail).retry_after_s(1)
        }
        AcceptError::Store(error) => Problem::unavailable(&error),
        AcceptError::Defect(_) => Problem::internal(&error),
    }
}

pub(crate) fn not_found(payment_id: &PaymentId) -> Problem {
    Problem::new(NOT_FOUND, format!("No payment has the id {payment_id}."))
}

pub(crate) fn version_mismatch(version: u64) -> Problem {
    let detail = format!("The payment has version {version} now. Read it again and decide on its current state.");
    Problem::new(VERSION_MISMATCH, detail)
}

pub(crate) fn not_changed(error: ChangeError, payment_id: &PaymentId) -> Problem {
    match error {
        ChangeError::NotFound | ChangeError::NotAccessible => not_found(payment_id),
        ChangeError::KeyReused => {
            Problem::new(KEY_REUSED, "Use a new key for a new change, or send the first body again.")
        }
        ChangeError::VersionMismatch { version } => version_mismatch(version),
        ChangeError::Illegal { status, reason } => illegal(&reason).with(PAYMENT_STATUS, status.to_string()),
        ChangeError::TooManySteps(error) => Problem::new(TOO_MANY_REFUNDS, format!("Nothing was refunded: {error}.")),
        ChangeError::Contended => {
            Problem::new(CHANGED, "Nothing was changed. Send the same request again.").retry_after_s(1)
        }
        ChangeError::Store(error) => Problem::unavailable(&error),
        ChangeError::Defect(_) => Problem::internal(&error),
    }
}

fn illegal(reason: &IllegalTransition) -> Problem {
    let detail = format!("Nothing was changed: {reason}.");
    match reason {
        IllegalTransition::Status { .. } => Problem::new(ILLEGAL_TRANSITION, detail),
        IllegalTransition::Amount { available_minor } => Problem::new(AMOUNT_UNAVAILABLE, detail)
            .pointing_to("/amount/minor", reason.to_string())
            .with(AVAILABLE_MINOR, *available_minor),
        IllegalTransition::Currency { .. } => {
            Problem::new(AMOUNT_UNAVAILABLE, detail).pointing_to("/amount/currency", reason.to_string())
        }
    }
}
