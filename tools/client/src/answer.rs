//! Responses of the APIs.

use http::{HeaderMap, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ApiError;

/// Problem types of a 409 that is caused by a concurrent request on the same resource.
const CONCURRENT: [&str; 2] =
    ["https://paystream.example/problems/payment-in-progress", "https://paystream.example/problems/payment-changed"];

/// A response, read in full.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Response headers.
    pub headers: HeaderMap,
    /// The body as JSON; null if it is not JSON.
    pub body: Value,
    /// The body as text.
    pub text: String,
}

/// Outcome of a request, as its response reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The request succeeded or was rejected; a retry would not change that.
    Decided,
    /// The API asks for a retry: 429, 503, or a 409 because of a concurrent request.
    RetryAsked,
    /// 502 or 504: API Gateway has no response from the function. It is unknown whether the request took effect.
    Unknown,
}

impl Answer {
    /// Returns the outcome of the request.
    pub fn outcome(&self) -> Outcome {
        let is_concurrent = || self.body["type"].as_str().is_some_and(|problem| CONCURRENT.contains(&problem));
        match self.status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Outcome::RetryAsked,
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Outcome::Unknown,
            _ if is_concurrent() => Outcome::RetryAsked,
            _ => Outcome::Decided,
        }
    }

    /// Reads the body of a successful response; any other response is an error.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        if !self.status.is_success() {
            return Err(ApiError::Status { status: self.status.as_u16(), body: self.text });
        }
        serde_json::from_str(&self.text).map_err(|error| ApiError::Garbled(error.to_string()))
    }
}

impl From<Response<Vec<u8>>> for Answer {
    fn from(response: Response<Vec<u8>>) -> Self {
        let (parts, bytes) = response.into_parts();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Self { status: parts.status, headers: parts.headers, body, text: String::from_utf8_lossy(&bytes).into_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> Outcome {
        Answer::from(Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap()).outcome()
    }

    #[test]
    fn outcomes_are_distinguished_by_status_and_problem_type() {
        for status in [429, 503] {
            assert_eq!(outcome(status, ""), Outcome::RetryAsked, "{status}");
        }
        for problem in CONCURRENT {
            assert_eq!(outcome(409, &format!(r#"{{"type": "{problem}"}}"#)), Outcome::RetryAsked, "{problem}");
        }
        for status in [502, 504] {
            assert_eq!(outcome(status, ""), Outcome::Unknown, "{status}");
        }
        assert_eq!(outcome(409, r#"{"type": "https://paystream.example/problems/order-conflict"}"#), Outcome::Decided);
        for status in [200, 201, 400, 404, 422, 500] {
            assert_eq!(outcome(status, "{}"), Outcome::Decided, "{status}");
        }
    }
}
