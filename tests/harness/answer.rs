//! A response, and what a test expects of it.

use std::ops::Deref;

use serde_json::Value;

/// A response, read in full.
#[derive(Debug, Clone)]
pub struct Answer(pub(crate) paystream_client::Answer);

impl Answer {
    /// The body, where the status is `status`.
    ///
    /// # Panics
    /// With the whole answer, where it is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "unexpected answer: {}", self.body);
        self.0.body
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

impl Deref for Answer {
    type Target = paystream_client::Answer;

    fn deref(&self) -> &paystream_client::Answer {
        &self.0
    }
}
