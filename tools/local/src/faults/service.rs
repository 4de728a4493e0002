//! The two services whose calls can go wrong, and how each spells its operations and errors.

use axum::response::{IntoResponse, Response};
use ferrokinesis::actions::Operation;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::fault::{ErrorAnswer, Target};
use crate::emulators::DYNAMODB_OPERATIONS;

/// What being over the throughput is called by both.
const THROTTLED: &str = "ProvisionedThroughputExceededException";

/// Codes that DynamoDB's front end answers with, and not DynamoDB itself.
const COMMON_CODES: [&str; 11] = [
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InternalFailure",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "SerializationException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "UnknownOperationException",
    "UnrecognizedClientException",
];

/// A service that functions call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// DynamoDB, tables and their streams.
    DynamoDb,
    /// Kinesis.
    Kinesis,
}

impl Service {
    /// Itself as a target.
    pub(super) fn target(self) -> Target {
        match self {
            Self::Kinesis => Target::Kinesis,
            Self::DynamoDb => Target::DynamoDb,
        }
    }

    /// Whether it has an operation of this name.
    pub(super) fn knows(self, operation: &str) -> bool {
        match self {
            Self::Kinesis => operation.parse::<Operation>().is_ok(),
            Self::DynamoDb => DYNAMODB_OPERATIONS.contains(&operation),
        }
    }

    /// What it answers when asked too much of.
    pub(super) fn throttled() -> ErrorAnswer {
        ErrorAnswer { code: THROTTLED.to_owned(), message: None, status: None }
    }

    /// An error in its own form.
    pub(crate) fn answer(self, error: &ErrorAnswer) -> Response {
        let headers = [
            ("content-type", self.content_type().to_owned()),
            ("x-amzn-errortype", error.code.clone()),
            ("x-amzn-requestid", Uuid::new_v4().to_string()),
        ];
        let body = json!({"__type": self.error_type(&error.code), "message": message(error)}).to_string();
        (status(error), headers, body).into_response()
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Kinesis => "application/x-amz-json-1.1",
            Self::DynamoDb => "application/x-amz-json-1.0",
        }
    }

    /// DynamoDB says whose error it is, Kinesis does not.
    fn error_type(self, code: &str) -> String {
        let prefix = match (self, code) {
            (Self::Kinesis, _) => return code.to_owned(),
            (Self::DynamoDb, "ValidationException") => "com.amazon.coral.validate",
            (Self::DynamoDb, "ThrottlingException") => "com.amazon.coral.availability",
            (Self::DynamoDb, code) if COMMON_CODES.contains(&code) => "com.amazon.coral.service",
            (Self::DynamoDb, _) => "com.amazonaws.dynamodb.v20120810",
        };
        format!("{prefix}#{code}")
    }
}

/// The status of an injected error.
pub(crate) fn status(error: &ErrorAnswer) -> StatusCode {
    let status = error.status.unwrap_or(match error.code.as_str() {
        "InternalServerError" | "InternalFailure" => 500,
        "ServiceUnavailable" => 503,
        _ => 400,
    });
    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
}

/// What an injected error says.
pub(crate) fn message(error: &ErrorAnswer) -> String {
    error.message.clone().unwrap_or_else(|| "a fault was injected here".to_owned())
}

/// What an entry of `PutRecords` that is refused is answered with.
pub(super) fn refused_entry() -> serde_json::Value {
    let error = Service::throttled();
    json!({"ErrorCode": error.code, "ErrorMessage": message(&error)})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_spelled_as_the_service_spells_it() {
        for (service, code, expected) in [
            (Service::Kinesis, "ResourceNotFoundException", "ResourceNotFoundException"),
            (
                Service::DynamoDb,
                "TransactionCanceledException",
                "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            ),
            (Service::DynamoDb, "ValidationException", "com.amazon.coral.validate#ValidationException"),
            (Service::DynamoDb, "ThrottlingException", "com.amazon.coral.availability#ThrottlingException"),
            (Service::DynamoDb, "ExpiredTokenException", "com.amazon.coral.service#ExpiredTokenException"),
        ] {
            assert_eq!(service.error_type(code), expected);
        }
    }

    #[test]
    fn the_status_is_that_of_the_code_unless_it_is_given() {
        for (code, given, expected) in [
            ("InternalServerError", None, 500),
            ("InternalFailure", None, 500),
            ("ServiceUnavailable", None, 503),
            ("LimitExceededException", None, 400),
            ("InternalServerError", Some(503), 503),
        ] {
            let error = ErrorAnswer { code: code.to_owned(), message: None, status: given };
            assert_eq!(Service::DynamoDb.answer(&error).status(), expected, "{code}");
        }
    }

    #[test]
    fn every_operation_that_the_emulator_of_dynamodb_knows_is_known() {
        assert!(DYNAMODB_OPERATIONS.is_sorted());
        assert!(Service::DynamoDb.knows("UpdateItem") && !Service::DynamoDb.knows("PutRecord"));
        assert!(Service::Kinesis.knows("PutRecord") && !Service::Kinesis.knows("UpdateItem"));
    }
}
