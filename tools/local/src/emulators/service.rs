//! The two services that are emulated, and how each spells its operations and errors.

use axum::response::{IntoResponse, Response};
use ferrokinesis::actions::Operation;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::dynamodb_api::OPERATIONS as DYNAMODB_OPERATIONS;

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

/// An error as the service spells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorAnswer {
    /// The code without a prefix, for example `InternalServerError`.
    pub code: String,
    /// The message; without it, one that says that a fault was injected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The HTTP status, from 400 to 599. Without it 500 for `InternalServerError` and `InternalFailure`, 503 for
    /// `ServiceUnavailable`, else 400. The error of a function has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Service {
    /// Whether it has an operation of this name.
    pub(crate) fn knows(self, operation: &str) -> bool {
        match self {
            Self::Kinesis => operation.parse::<Operation>().is_ok(),
            Self::DynamoDb => DYNAMODB_OPERATIONS.contains(&operation),
        }
    }

    /// What it answers when asked too much of.
    pub(crate) fn throttled() -> ErrorAnswer {
        ErrorAnswer { code: THROTTLED.to_owned(), message: None, status: None }
    }

    /// An error in its own form.
    pub(crate) fn answer(self, error: &ErrorAnswer) -> Response {
        let headers = [
            ("content-type", self.content_type().to_owned()),
            ("x-amzn-errortype", error.code.clone()),
            ("x-amzn-requestid", Uuid::new_v4().to_string()),
        ];
        let body = json!({"__type": self.error_type(&error.code), "message": error.message()}).to_string();
        (error.status(), headers, body).into_response()
    }

    pub(crate) fn content_type(self) -> &'static str {
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

impl ErrorAnswer {
    /// Its status, or that of its code.
    pub(crate) fn status(&self) -> StatusCode {
        let status = self.status.unwrap_or(match self.code.as_str() {
            "InternalServerError" | "InternalFailure" => 500,
            "ServiceUnavailable" => 503,
            _ => 400,
        });
        StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// Its message, or one that says that a fault was injected.
    pub(crate) fn message(&self) -> String {
        self.message.clone().unwrap_or_else(|| "a fault was injected here".to_owned())
    }
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
