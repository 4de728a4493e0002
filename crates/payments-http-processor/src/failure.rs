//! Failures of a call. The table in docs/processor.md says how each response and failure is treated.
//!
//! Only an explicit decision is one. After every failure the amount may be held: the payment stays undecided until a
//! retry of the client, or until the recovery looks the key up.

use aws_connection::BodyError;
use aws_secrets::SecretError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use telemetry::WithCauses;

/// Reason why a call got no usable response. Each says what to do, and none contains the API key, a payment token or any
/// part of a response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The API key could not be read.
    #[error("its API key could not be read: {0}")]
    Key(Box<SecretError>),
    /// The API key cannot be sent.
    #[error("its API key in {0} has other characters than visible ASCII, perhaps a line break: correct the secret")]
    UnusableKey(String),
    /// The request could not be built. A bug.
    #[error("the request could not be built (bug)")]
    NotBuilt,
    /// There was no connection, or it broke before the response.
    #[error("the connection failed: {causes}", causes = WithCauses(.0))]
    Connection(ConnectorError),
    /// The response body broke off or was too long.
    #[error("{0}")]
    Body(#[from] BodyError),
    /// The processor refused the API key.
    #[error("it refused the API key ({0}): store its current key in the secret")]
    KeyRefused(u16),
    /// The processor responded with a status that contains no decision.
    #[error("it responded {0}{remedy}", remedy = remedy(*.0))]
    Status(u16),
    /// The body is not one of the API.
    #[error("its response is not one of the API: check the URL, and the mapping for this processor")]
    NotOfTheApi,
    /// The processor has not decided.
    #[error("it has not decided yet")]
    Pending,
    /// The key is not void after a request to void it.
    #[error("it did not void the key")]
    NotVoided,
}

impl Failure {
    /// True if another attempt within the call may succeed. It sends the same idempotency key.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Connection(_) | Self::Body(BodyError::BrokenOff(_)) => true,
            Self::Status(status) => *status >= 500,
            _ => false,
        }
    }
}

fn remedy(status: u16) -> &'static str {
    match status {
        300..400 => ": redirects are not followed, set the URL that it redirects to",
        404 => ": check the URL",
        429 => ": it limits the rate of requests",
        400..500 => ": it refused the request, check the mapping for this processor",
        _ => "",
    }
}
