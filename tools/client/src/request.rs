//! Requests to the APIs.

use serde_json::Value;

/// A request, whose path determines the API. It can be sent any number of times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    /// Creates `method path`, without headers and body.
    pub fn new(method: &str, path: impl Into<String>) -> Self {
        Self { method: method.to_owned(), path: path.into(), headers: Vec::new(), body: String::new() }
    }

    /// Creates `GET path`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    /// Creates `POST path` with a JSON body.
    pub fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::post_text(path, body.to_string())
    }

    /// Creates `POST path` with text as its body and a JSON content type.
    pub fn post_text(path: impl Into<String>, body: impl Into<String>) -> Self {
        Self::new("POST", path).with_header("content-type", "application/json").with_body(body)
    }

    /// Returns the HTTP method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns the path without the query.
    pub fn path(&self) -> &str {
        self.path.split_once('?').map_or(&self.path, |(path, _)| path)
    }

    /// Sets the idempotency key.
    #[must_use]
    pub fn with_key(self, key: &str) -> Self {
        self.with_header("idempotency-key", key)
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(self, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..self }
    }
}
