//! The problems this API answers with, beside those of every API.

use axum::http::StatusCode;
use http_problems::{Member, Problem, ProblemHeader, ProblemKind, kinds};
use payment_events::PaymentId;
use payments::{AcceptError, ChangeError, IllegalTransition};

/// A payment or a refund without an `Idempotency-Key`.
pub(crate) const KEY_MISSING: ProblemKind =
    ProblemKind::new(StatusCode::BAD_REQUEST, "idempotency-key-missing", "An Idempotency-Key header is needed");
/// The key was used for another payment, or another change of it.
pub(crate) const KEY_REUSED: ProblemKind = ProblemKind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "idempotency-key-reused",
    "The Idempotency-Key was used for a different request",
);
/// The first request with the key has not ended yet.
pub(crate) const IN_PROGRESS: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "payment-in-progress", "This payment is being made right now")
        .sending(&[kinds::RETRY_AFTER]);
/// The processor gave no answer.
pub(crate) const PROCESSOR_UNAVAILABLE: ProblemKind =
    ProblemKind::new(StatusCode::SERVICE_UNAVAILABLE, "processor-unavailable", "The payment processor does not answer")
        .sending(&[kinds::RETRY_AFTER]);
/// Where the payment stands.
const PAYMENT_STATUS: Member =
    Member { name: "payment_status", holds: "string", description: "The status that the payment has." };
/// How much there is.
const AVAILABLE_MINOR: Member = Member {
    name: "available_minor",
    holds: "integer",
    description: "What is left to capture or to refund, in minor units of the payment's currency.",
};
/// What the payment is by now.
const ETAG: ProblemHeader = ProblemHeader {
    name: "etag",
    required: true,
    description: "The version that the payment has by now.",
    schema: r#"{ "type": "string", "pattern": "^\"[0-9]+\"$", "examples": ["\"2\""] }"#,
};
/// The state machine has no such step.
pub(crate) const ILLEGAL_TRANSITION: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "illegal-transition", "The payment cannot go there from where it stands")
        .having(&[PAYMENT_STATUS]);
/// More than there is to capture or to refund, or in another currency.
pub(crate) const AMOUNT_UNAVAILABLE: ProblemKind =
    ProblemKind::new(StatusCode::UNPROCESSABLE_ENTITY, "amount-unavailable", "The amount is more than there is")
        .having(&[PAYMENT_STATUS, AVAILABLE_MINOR]);
/// Others were faster, several times.
pub(crate) const CHANGED: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "payment-changed", "The payment kept changing meanwhile")
        .sending(&[kinds::RETRY_AFTER]);
/// `If-Match` names another version.
pub(crate) const VERSION_MISMATCH: ProblemKind =
    ProblemKind::new(StatusCode::PRECONDITION_FAILED, "version-mismatch", "The payment has changed").sending(&[ETAG]);
/// There is a bound on refunds.
pub(crate) const TOO_MANY_REFUNDS: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "too-many-refunds", "The payment has no room for more refunds");
/// There is no such payment.
pub(crate) const NOT_FOUND: ProblemKind =
    ProblemKind::new(StatusCode::NOT_FOUND, "payment-not-found", "There is no such payment");

pub(crate) fn key_missing() -> Problem {
    let detail = "Send an Idempotency-Key header with a value of your own, such as a UUID; a retry sends the same one.";
    Problem::new(KEY_MISSING, detail)
}

/// All of them; each has a page in `docs/api/problems/`.
pub const PROBLEMS: &[ProblemKind] = &[
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

pub(crate) fn not_found(payment_id: &PaymentId) -> Problem {
    Problem::new(NOT_FOUND, format!("No payment has the id {payment_id}."))
}

pub(crate) fn version_mismatch(version: u64) -> Problem {
    let detail = format!("It has version {version} by now. Read it again, and decide on what it is now.");
    Problem::new(VERSION_MISMATCH, detail)
}

pub(crate) fn not_changed(error: ChangeError, payment_id: &PaymentId) -> Problem {
    match error {
        ChangeError::NotFound => not_found(payment_id),
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

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use payment_events::PaymentStatus;
    use payments::{ProcessorError, Status, StepError, StoreError};

    use super::*;

    #[track_caller]
    fn assert_listed(path: &str, problem: &Problem) {
        let (description, kind) = (crate::description(), problem.kind());
        let mut operations = description.operations().iter().filter(|known| known.method == Method::POST);
        let operation = operations.find(|known| known.path == path).unwrap();
        assert!(operation.problems.contains(&kind), "the contract of POST {path} does not list {}", kind.name());
    }

    fn store_error() -> StoreError {
        StoreError { context: "reading the table".to_owned(), source: "it is down".into() }
    }

    #[test]
    fn the_contract_lists_whatever_keeps_a_payment_from_being_made() {
        for error in [
            AcceptError::KeyReused,
            AcceptError::InProgress { retry_after_ms: 1_500 },
            AcceptError::Processor(ProcessorError::TimedOut(1_000)),
            AcceptError::Store(store_error()),
            AcceptError::Defect("it is lost".to_owned()),
        ] {
            assert_listed("/payments", &not_accepted(error));
        }
    }

    #[test]
    fn the_contract_lists_whatever_keeps_a_payment_from_being_changed() {
        let status = Status::Public(PaymentStatus::Captured);
        let of_all = || {
            let reason = IllegalTransition::Status { from: status, to: PaymentStatus::Voided };
            vec![
                ChangeError::NotFound,
                ChangeError::KeyReused,
                ChangeError::VersionMismatch { version: 2 },
                ChangeError::Defect(reason.clone()),
                ChangeError::Illegal { status, reason },
                ChangeError::Contended,
                ChangeError::Store(store_error()),
            ]
        };
        let of_parts = || {
            let currency = "EUR".parse().unwrap();
            [IllegalTransition::Amount { available_minor: 5 }, IllegalTransition::Currency { currency }]
                .map(|reason| ChangeError::Illegal { status, reason })
        };
        let of_refunds = || ChangeError::TooManySteps(StepError::TooMany);
        for (step, errors) in [
            ("void", of_all()),
            ("capture", of_all().into_iter().chain(of_parts()).collect()),
            ("refund", of_all().into_iter().chain(of_parts()).chain([of_refunds()]).collect()),
        ] {
            let payment_id = "pay_3474IU76GZUC7ZC4MR5KV7HBFY".parse().unwrap();
            for error in errors {
                assert_listed(&format!("/payments/{{payment_id}}/{step}"), &not_changed(error, &payment_id));
            }
        }
    }
}
