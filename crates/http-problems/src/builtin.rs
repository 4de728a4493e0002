//! Problem types of every API.

use http::StatusCode;

use crate::{ProblemHeader, ProblemType};

/// Header with the time to wait before a retry.
pub const RETRY_AFTER: ProblemHeader = ProblemHeader {
    name: "retry-after",
    required: true,
    description: "Seconds to wait before a retry.",
    schema: r#"{ "type": "integer", "minimum": 1, "examples": [1] }"#,
};
/// Header that lists the methods of a path.
const ALLOW: ProblemHeader = ProblemHeader {
    name: "allow",
    required: true,
    description: "Methods that the path supports.",
    schema: r#"{ "type": "string", "examples": ["GET,HEAD"] }"#,
};

/// Header that lists the content codings of request bodies.
pub const ACCEPT_ENCODING: ProblemHeader = ProblemHeader {
    name: "accept-encoding",
    required: true,
    description: "Content codings that are accepted in requests.",
    schema: r#"{ "type": "string", "const": "identity" }"#,
};

/// The body is not JSON.
pub const MALFORMED_JSON: ProblemType =
    ProblemType::new(StatusCode::BAD_REQUEST, "malformed-json", "The body is not JSON");
/// A value is missing, of the wrong type, out of bounds or unknown.
pub const INVALID_REQUEST: ProblemType =
    ProblemType::new(StatusCode::BAD_REQUEST, "invalid-request", "The request is not valid");
/// The request contains a card number. Nothing of the request is stored.
pub const CARD_NUMBER: ProblemType =
    ProblemType::new(StatusCode::BAD_REQUEST, "card-number", "Card numbers are not accepted");
/// No route has this path.
pub const NO_SUCH_ROUTE: ProblemType = ProblemType::new(StatusCode::NOT_FOUND, "no-such-route", "No such route");
/// The route exists, but not with this method.
pub const METHOD_NOT_ALLOWED: ProblemType =
    ProblemType::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This path does not support this method")
        .with_headers(&[ALLOW]);
/// The body exceeds the API's limit.
pub const BODY_TOO_LARGE: ProblemType =
    ProblemType::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large");
/// The content type is not JSON.
pub const UNSUPPORTED_MEDIA_TYPE: ProblemType = ProblemType::new(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "unsupported-media-type",
    "The content type must be application/json",
);
/// The body has a content coding, such as gzip.
pub const UNSUPPORTED_CONTENT_ENCODING: ProblemType = ProblemType::new(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "unsupported-content-encoding",
    "The body must not be compressed",
)
.with_headers(&[ACCEPT_ENCODING]);
/// A dependency of the service failed. It is unknown whether the request had an effect; a retry is safe.
pub const UNAVAILABLE: ProblemType =
    ProblemType::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The service is temporarily unavailable")
        .with_headers(&[RETRY_AFTER]);
/// A bug in the service, which a retry is unlikely to get around.
pub const INTERNAL: ProblemType = ProblemType::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error");

/// All problem types of this module; each has a page in `docs/api/problems/`.
pub const ALL: &[ProblemType] = &[
    MALFORMED_JSON,
    INVALID_REQUEST,
    CARD_NUMBER,
    NO_SUCH_ROUTE,
    METHOD_NOT_ALLOWED,
    BODY_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    UNSUPPORTED_CONTENT_ENCODING,
    UNAVAILABLE,
    INTERNAL,
];
