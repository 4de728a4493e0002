//! Error of one attempt to call Payments.

use std::time::Duration;

use aws_connection::{BodyError, SignError};
use aws_smithy_runtime_api::client::result::ConnectorError;

/// Why an attempt to call Payments failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    /// There was no complete response in time.
    #[error("no response within {0:?}")]
    TimedOut(Duration),
    /// The connection could not be opened, or broke before the response.
    #[error("the connection failed")]
    Connection(#[source] ConnectorError),
    /// The response body was cut off, or is larger than Lambda's response limit.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The response status is not 200.
    #[error("Payments responded with status {0}")]
    Status(u16),
    /// The response body is not a list of this order's payments.
    #[error("the response is invalid: {0}")]
    Unusable(String),
    /// The request could not be signed.
    #[error(transparent)]
    NotSigned(SignError),
}

impl AttemptError {
    /// Returns true unless the attempt failed before anything was sent to Payments.
    pub(super) fn came_from_payments(&self) -> bool {
        !matches!(self, Self::NotSigned(_))
    }

    /// Returns true if a retry may succeed. Retrying is safe, because the request is a read.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::TimedOut(_) | Self::Connection(_) | Self::Body(BodyError::BrokenOff(_)) => true,
            Self::Status(status) => *status == 429 || *status >= 500,
            Self::Body(BodyError::TooLong(_)) | Self::Unusable(_) | Self::NotSigned(_) => false,
        }
    }
}
