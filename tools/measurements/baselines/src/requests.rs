//! Requests and responses of a REST API's proxy integration.

use lambda_runtime::Error;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A request, of which only the body is read.
#[derive(Deserialize)]
pub(crate) struct Request {
    body: String,
}

impl Request {
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(serde_json::from_str(&self.body)?)
    }
}

/// A `201 Created` response.
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
