//! Errors of calling an API.

use std::time::Duration;

/// A request without a usable response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The status is not one of success.
    #[error("answered {status}: {body}")]
    Status {
        /// HTTP status.
        status: u16,
        /// Response body.
        body: String,
    },
    /// The response was not complete in time.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The connection could not be made, or broke.
    #[error("no connection: {0}")]
    Connection(String),
    /// The response body is not what the API promises.
    #[error("answered with something else: {0}")]
    Garbled(String),
    /// The request could not be built or signed.
    #[error("no request: {0}")]
    Request(String),
}

impl ApiError {
    /// Returns the kind of failure, in a word or two, as a key to count by.
    pub fn kind(&self) -> String {
        match self {
            Self::Status { status, .. } => status.to_string(),
            Self::TimedOut(_) => "timed out".to_owned(),
            Self::Connection(_) => "no connection".to_owned(),
            Self::Garbled(_) => "garbled".to_owned(),
            Self::Request(_) => "not sent".to_owned(),
        }
    }
}
