//! Response bodies of a bounded size.

use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

/// A response body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection broke within the body.
    #[error("the response body was cut off")]
    BrokenOff(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The body is larger than the limit, in bytes.
    #[error("the response is longer than {0} bytes")]
    TooLong(usize),
}

/// Reads a body of at most `bytes_max` bytes. The caller sets a time limit.
pub async fn read_body(body: SdkBody, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = ByteStream::new(body);
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| BodyError::BrokenOff(error.into()))?);
        if bytes.len() > bytes_max {
            return Err(BodyError::TooLong(bytes_max));
        }
    }
    Ok(bytes)
}
