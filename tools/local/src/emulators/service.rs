//! The services that functions call, and the wire format of the operations and errors of the emulated ones.

use axum::response::{IntoResponse, Response};
use ferrokinesis::actions::Operation;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::dynamodb_api::OPERATIONS as DYNAMODB_OPERATIONS;
use super::secrets::GET_SECRET_VALUE;
use crate::hub_proxy::{amqp_operations, kafka_operations};

/// Error code of Kinesis and DynamoDB for exceeded throughput.
const THROTTLED: &str = "ProvisionedThroughputExceededException";

/// Error codes that the front end of DynamoDB returns, with a prefix of their own.
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
    /// DynamoDB, including table streams.
    DynamoDb,
    /// Kinesis.
    Kinesis,
    /// Secrets Manager.
    SecretsManager,
    /// A Kafka broker, behind the fault proxy.
    Kafka,
    /// A RabbitMQ broker, behind the fault proxy.
    RabbitMq,
}

/// A service that runs inside this process and is called over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emulator {
    /// DynamoDB, including table streams.
    DynamoDb,
    /// Kinesis.
    Kinesis,
    /// Secrets Manager.
    SecretsManager,
}

/// Error response of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorAnswer {
    /// Error code without a prefix, for example `InternalServerError`.
    pub code: String,
    /// Message; `injected fault` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// HTTP status, from 400 to 599. Default: 500 for `InternalServerError` and `InternalFailure`, 503 for
    /// `ServiceUnavailable`, else 400. Not allowed in an error of a function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Service {
    /// True if the service has an operation of this name.
    pub(crate) fn knows(self, operation: &str) -> bool {
        match self {
            Self::Kinesis => operation.parse::<Operation>().is_ok(),
            Self::DynamoDb => DYNAMODB_OPERATIONS.contains(&operation),
            Self::SecretsManager => operation == GET_SECRET_VALUE,
            Self::Kafka => kafka_operations().any(|known| known == operation),
            Self::RabbitMq => amqp_operations().any(|known| known == operation),
        }
    }

    /// True for a message broker: its protocol has no errors and throttling that a proxy could return.
    pub(crate) fn is_broker(self) -> bool {
        matches!(self, Self::Kafka | Self::RabbitMq)
    }
}

impl Emulator {
    pub(crate) fn service(self) -> Service {
        match self {
            Self::DynamoDb => Service::DynamoDb,
            Self::Kinesis => Service::Kinesis,
            Self::SecretsManager => Service::SecretsManager,
        }
    }

    /// Returns the throttling error.
    pub(crate) fn throttled(self) -> ErrorAnswer {
        let code = if self == Self::SecretsManager { "ThrottlingException" } else { THROTTLED };
        ErrorAnswer { code: code.to_owned(), message: None, status: None }
    }

    /// Builds the error response in the format of the service.
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
            Self::Kinesis | Self::SecretsManager => "application/x-amz-json-1.1",
            Self::DynamoDb => "application/x-amz-json-1.0",
        }
    }

    /// Returns the `__type` of an error. Only DynamoDB prefixes the code with a namespace.
    fn error_type(self, code: &str) -> String {
        let prefix = match (self, code) {
            (Self::Kinesis | Self::SecretsManager, _) => return code.to_owned(),
            (Self::DynamoDb, "ValidationException") => "com.amazon.coral.validate",
            (Self::DynamoDb, "ThrottlingException") => "com.amazon.coral.availability",
            (Self::DynamoDb, code) if COMMON_CODES.contains(&code) => "com.amazon.coral.service",
            (Self::DynamoDb, _) => "com.amazonaws.dynamodb.v20120810",
        };
        format!("{prefix}#{code}")
    }
}

impl ErrorAnswer {
    /// Returns the status, by default that of the code.
    pub(crate) fn status(&self) -> StatusCode {
        let status = self.status.unwrap_or(match self.code.as_str() {
            "InternalServerError" | "InternalFailure" => 500,
            "ServiceUnavailable" => 503,
            _ => 400,
        });
        StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// Returns the message, by default `injected fault`.
    pub(crate) fn message(&self) -> String {
        self.message.clone().unwrap_or_else(|| "injected fault".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_type_prefix_of_its_service() {
        for (service, code, expected) in [
            (Emulator::Kinesis, "ResourceNotFoundException", "ResourceNotFoundException"),
            (
                Emulator::DynamoDb,
                "TransactionCanceledException",
                "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            ),
            (Emulator::DynamoDb, "ValidationException", "com.amazon.coral.validate#ValidationException"),
            (Emulator::DynamoDb, "ThrottlingException", "com.amazon.coral.availability#ThrottlingException"),
            (Emulator::DynamoDb, "ExpiredTokenException", "com.amazon.coral.service#ExpiredTokenException"),
        ] {
            assert_eq!(service.error_type(code), expected);
        }
    }

    #[test]
    fn the_status_defaults_to_that_of_the_code() {
        for (code, given, expected) in [
            ("InternalServerError", None, 500),
            ("InternalFailure", None, 500),
            ("ServiceUnavailable", None, 503),
            ("LimitExceededException", None, 400),
            ("InternalServerError", Some(503), 503),
        ] {
            let error = ErrorAnswer { code: code.to_owned(), message: None, status: given };
            assert_eq!(Emulator::DynamoDb.answer(&error).status(), expected, "{code}");
        }
    }

    #[test]
    fn each_service_knows_only_its_own_operations() {
        assert!(DYNAMODB_OPERATIONS.is_sorted());
        assert!(Service::DynamoDb.knows("UpdateItem") && !Service::DynamoDb.knows("PutRecord"));
        assert!(Service::Kinesis.knows("PutRecord") && !Service::Kinesis.knows("UpdateItem"));
        assert!(Service::Kafka.knows("Produce") && Service::Kafka.knows("Connect") && !Service::Kafka.knows("Publish"));
        assert!(Service::RabbitMq.knows("Publish") && Service::RabbitMq.knows("Connect"));
        assert!(!Service::RabbitMq.knows("Produce"));
    }
}
