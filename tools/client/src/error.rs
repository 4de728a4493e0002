//! Errors of calling an API.

use std::time::Duration;

/// A request without a usable response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The status is not a success.
    #[error("responded {status}: {body}")]
    Status {
        /// HTTP status.
        status: u16,
        /// Response body.
        body: String,
    },
    /// The response was not complete in time.
    #[error("no complete response within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The connection failed or broke.
    #[error("connection failed: {0}")]
    Connection(String),
    /// The response body is not what the API promises.
    #[error("unexpected response: {0}")]
    Garbled(String),
    /// The request could not be built or signed.
    #[error("request not sent: {0}")]
    Request(String),
}

impl ApiError {
    /// Returns the kind of failure in a word or two, as a key for counting.
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
