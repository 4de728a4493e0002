//! HTTP responses with assertions.

use std::ops::Deref;

use http_problems::TYPES;
use serde_json::Value;

/// A response, read in full.
#[derive(Debug, Clone)]
pub struct Answer(pub(crate) paystream_client::Answer);

impl Answer {
    /// Returns the body.
    ///
    /// # Panics
    /// If the status is not `status`; the message has the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "unexpected response: {}", self.body);
        self.0.body
    }

    /// Returns the body of a problem of this type and status.
    ///
    /// # Panics
    /// If the status or the problem type differs; the message has the body.
    #[track_caller]
    pub fn expect_problem(self, status: u16, name: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["type"], format!("{TYPES}{name}"), "unexpected problem: {body}");
        body
    }
}

impl Deref for Answer {
    type Target = paystream_client::Answer;

    fn deref(&self) -> &paystream_client::Answer {
        &self.0
    }
}
