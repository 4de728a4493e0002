//! One HTTP request and its response.

use std::time::Duration;

use aws_connection::Https;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::http::Request;
use aws_smithy_types::byte_stream::ByteStream;
use http::Response;
use telemetry::WithCauses;

use crate::ApiError;

/// Limits on a response.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Time from sending the request until the response is read in full.
    pub answer_max: Duration,
    /// Size of the response body.
    pub answer_bytes_max: usize,
}

/// Sends a request once and reads the response in full, whatever its status.
pub async fn exchange(https: &Https, request: Request, bounds: Bounds) -> Result<Response<Vec<u8>>, ApiError> {
    let answer = async {
        let answer = https.call(request).await.map_err(|error| ApiError::Connection(WithCauses(&error).to_string()))?;
        let answer = answer.try_into_http1x().map_err(|error| ApiError::Garbled(WithCauses(&error).to_string()))?;
        let (parts, body) = answer.into_parts();
        let (mut stream, mut bytes) = (ByteStream::new(body), Vec::new());
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| ApiError::Connection(WithCauses(&error).to_string()))?);
            if bytes.len() > bounds.answer_bytes_max {
                return Err(ApiError::Garbled(format!("more than {} bytes", bounds.answer_bytes_max)));
            }
        }
        Ok(Response::from_parts(parts, bytes))
    };
    tokio::time::timeout(bounds.answer_max, answer).await.unwrap_or(Err(ApiError::TimedOut(bounds.answer_max)))
}
