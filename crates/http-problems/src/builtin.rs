//! The problem types that any route may answer with.

use http::StatusCode;

use crate::{ProblemHeader, ProblemType};

/// The header that says how long to wait before the request is repeated.
pub const RETRY_AFTER: ProblemHeader = ProblemHeader {
    name: "retry-after",
    required: true,
    description: "Where repeating helps: after how many seconds.",
    schema: r#"{ "type": "integer", "minimum": 1, "examples": [1] }"#,
};
/// The header that lists the methods of a path.
const ALLOW: ProblemHeader = ProblemHeader {
    name: "allow",
    required: true,
    description: "What the path takes instead.",
    schema: r#"{ "type": "string", "examples": ["GET,HEAD"] }"#,
};

/// The body is not JSON.
pub const MALFORMED_JSON: ProblemType =
    ProblemType::new(StatusCode::BAD_REQUEST, "malformed-json", "The body is not JSON");
/// A value is missing, of the wrong type, out of bounds or unknown.
pub const INVALID_REQUEST: ProblemType =
    ProblemType::new(StatusCode::BAD_REQUEST, "invalid-request", "The request is not valid");
/// A card number stands somewhere in the request. Nothing of the request is kept.
pub const CARD_NUMBER: ProblemType =
    ProblemType::new(StatusCode::BAD_REQUEST, "card-number", "Card numbers are not taken");
/// There is no such route.
pub const NO_SUCH_ROUTE: ProblemType =
    ProblemType::new(StatusCode::NOT_FOUND, "no-such-route", "There is nothing under this path");
/// The route exists, but not with this method.
pub const METHOD_NOT_ALLOWED: ProblemType =
    ProblemType::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This path does not take this method")
        .with_headers(&[ALLOW]);
/// The body is larger than the API takes.
pub const BODY_TOO_LARGE: ProblemType =
    ProblemType::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large");
/// The body is not declared as JSON.
pub const UNSUPPORTED_MEDIA_TYPE: ProblemType = ProblemType::new(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "unsupported-media-type",
    "The body must be declared as application/json",
);
/// Something the service depends on failed; nothing is known to have changed, and trying again is safe.
pub const UNAVAILABLE: ProblemType =
    ProblemType::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The service cannot answer right now")
        .with_headers(&[RETRY_AFTER]);
/// The service is at fault in a way that trying again will not mend.
pub const INTERNAL: ProblemType = ProblemType::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The service failed");

/// All of them; each has a page in `docs/api/problems/`.
pub const ALL: &[ProblemType] = &[
    MALFORMED_JSON,
    INVALID_REQUEST,
    CARD_NUMBER,
    NO_SUCH_ROUTE,
    METHOD_NOT_ALLOWED,
    BODY_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    UNAVAILABLE,
    INTERNAL,
];
