//! Why one attempt to ask Payments came to nothing.

use std::time::Duration;

use aws_smithy_runtime_api::client::result::ConnectorError;

/// Why there is no answer to go by.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    /// It did not answer in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// There was no connection, or it broke.
    #[error("the connection failed")]
    Connection(#[source] ConnectorError),
    /// The answer broke off.
    #[error("the answer broke off")]
    BrokenOff(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answered with another status than 200.
    #[error("it answered with status {0}")]
    Status(u16),
    /// It answered with more than Lambda can.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// It answered what is no list of this order's payments.
    #[error("its answer cannot be used: {0}")]
    Unusable(String),
    /// The request could not be signed.
    #[error("the request could not be signed")]
    NotSigned(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl AttemptError {
    /// Whether Payments was asked at all.
    pub(super) fn came_from_payments(&self) -> bool {
        !matches!(self, Self::NotSigned(_))
    }

    /// Whether the next attempt may fare better. To ask twice is safe: nothing changes by asking.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::TimedOut(_) | Self::Connection(_) | Self::BrokenOff(_) => true,
            Self::Status(status) => *status == 429 || *status >= 500,
            Self::TooLong(_) | Self::Unusable(_) | Self::NotSigned(_) => false,
        }
    }
}
