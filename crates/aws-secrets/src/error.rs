//! Errors of reading a secret. None contains any part of it.

use std::time::Duration;

use aws_connection::{BodyError, SignError};
use aws_smithy_runtime_api::client::result::ConnectorError;

/// A secret could not be read, or does not have the expected fields.
#[derive(Debug, thiserror::Error)]
#[error("could not use the secret {arn}: {failure}")]
pub struct SecretError {
    arn: String,
    failure: Failure,
}

impl SecretError {
    pub(crate) fn new(arn: &str, failure: Failure) -> Self {
        Self { arn: arn.to_owned(), failure }
    }

    /// Returns the cause.
    pub fn failure(&self) -> &Failure {
        &self.failure
    }
}

/// Cause of a [`SecretError`], with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Secrets Manager did not respond in time.
    #[error(
        "no response from {url} within {limit:?}; in a VPC, the function needs an interface endpoint of Secrets Manager or \
         a NAT gateway"
    )]
    TimedOut {
        /// URL of the endpoint.
        url: String,
        /// Time limit.
        limit: Duration,
    },
    /// There was no connection to Secrets Manager.
    #[error(
        "the connection to {url} failed ({error}); in a VPC, the function needs an interface endpoint of Secrets Manager \
         or a NAT gateway"
    )]
    Connection {
        /// URL of the endpoint.
        url: String,
        /// Cause.
        error: ConnectorError,
    },
    /// The response body could not be read.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The request could not be signed.
    #[error("{0}; check the function's region and role")]
    NotSigned(#[from] SignError),
    /// Secrets Manager refused the request.
    #[error("Secrets Manager responded {status} {code} ({message}); {}", remedy(code))]
    Refused {
        /// HTTP status.
        status: u16,
        /// Code of the error, such as `AccessDeniedException`.
        code: String,
        /// Message of Secrets Manager, shortened.
        message: String,
    },
    /// The response is not that of `GetSecretValue`.
    #[error("the response is not one of Secrets Manager; check the endpoint")]
    NotSecretsManager,
    /// The secret is stored as bytes.
    #[error("the secret is binary; store it as text (SecretString)")]
    Binary,
    /// The secret is not a JSON object.
    #[error("the secret is not a JSON object; expected {0}")]
    NotAnObject(&'static str),
    /// A field is missing, empty or not a string.
    #[error("the field `{field}` is missing, empty or not a string; expected {expected}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Format of the secret.
        expected: &'static str,
    },
}

impl Failure {
    /// True if a retry may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Connection { .. } | Self::Body(BodyError::BrokenOff(_)) => true,
            Self::Refused { status, code, .. } => *status >= 500 || *status == 429 || code == "ThrottlingException",
            _ => false,
        }
    }
}

/// Returns the remedy for an error code of `GetSecretValue`.
///
/// Source: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>.
fn remedy(code: &str) -> &'static str {
    match code {
        "AccessDeniedException" => {
            "allow the function's role secretsmanager:GetSecretValue on this secret, and kms:Decrypt if its key is a \
             customer managed key"
        }
        "ResourceNotFoundException" => "create the secret in the function's region, or correct its ARN",
        "InvalidRequestException" => "the secret may be scheduled for deletion: restore it, or name another",
        "DecryptionFailure" => "enable the secret's KMS key, and allow the function's role kms:Decrypt on it",
        "UnrecognizedClientException" | "InvalidSignatureException" | "ExpiredTokenException" => {
            "check the function's role and the endpoint"
        }
        _ => "if it persists, check the secret in Secrets Manager",
    }
}
