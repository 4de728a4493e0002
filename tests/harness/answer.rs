//! What came back over HTTP.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer, read in full.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; null where it is none.
    pub body: Value,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = serde_json::from_slice(&response.bytes().await?).unwrap_or(Value::Null);
        Ok(Self { status, headers, body })
    }

    /// True if a client retries after this answer: 429, 503, or a 409 because another request was at work.
    pub(crate) fn asks_for_retry(&self) -> bool {
        let concurrent = ["/problems/payment-in-progress", "/problems/payment-changed"];
        [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&self.status)
            || self.body["type"].as_str().is_some_and(|problem| concurrent.contains(&problem))
    }

    /// The body, where the status is `status`.
    ///
    /// # Panics
    /// With the whole answer, where it is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "unexpected answer: {}", self.body);
        self.body
    }

    /// Checks that this is a problem of this type, with this status.
    ///
    /// # Panics
    /// With the whole answer, where it is not.
    #[track_caller]
    pub fn expect_problem(self, status: u16, name: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["type"], format!("/problems/{name}"), "unexpected problem: {body}");
        body
    }
}
