//! Requests and answers, as a REST API passes them on.

use lambda_runtime::Error;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A request, as far as its body.
#[derive(Deserialize)]
pub(crate) struct Request {
    body: String,
}

impl Request {
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(serde_json::from_str(&self.body)?)
    }
}

/// The answer to a request that made something.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    status_code: u16,
    headers: Headers,
    body: String,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Headers {
    content_type: &'static str,
    location: String,
}

impl Answer {
    pub(crate) fn created(location: String, body: &impl Serialize) -> Result<Self, Error> {
        let headers = Headers { content_type: "application/json", location };
        Ok(Self { status_code: 201, headers, body: serde_json::to_string(body)?, is_base64_encoded: false })
    }
}
