//! Conversion of responses into the results that API Gateway expects.

use std::collections::BTreeMap;
use std::string::FromUtf8Error;

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue};
use lambda_runtime::Diagnostic;
use serde::Serialize;

use crate::request::PayloadFormat;

/// Largest response body, in bytes: Lambda's limit on a function's response.
pub const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;

/// A response in the payload format of its event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxyResponse {
    status_code: u16,
    /// Format 1.0 only.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    /// Format 2.0 only.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    /// Format 2.0 only, which has one value per header: `set-cookie` is the only header whose values cannot be joined.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    body: String,
    is_base64_encoded: bool,
}

/// Why a response cannot be returned.
#[derive(Debug, thiserror::Error)]
pub enum InvalidResponse {
    /// The header's value is not UTF-8, so JSON cannot hold it.
    #[error("response header {0} is not UTF-8")]
    Header(HeaderName),
    /// The body failed part-way or is longer than [`BODY_BYTES_MAX`].
    #[error("the response body cannot be read: {0}")]
    Body(#[source] axum::Error),
}

/// The error that Lambda reports for the failed invocation.
impl From<InvalidResponse> for Diagnostic {
    fn from(error: InvalidResponse) -> Self {
        Self { error_type: "InvalidResponse".to_owned(), error_message: error.to_string() }
    }
}

impl ProxyResponse {
    /// Converts a router's response. A UTF-8 body is sent as text, whatever its content type; any other body as base64.
    pub(crate) async fn new(response: Response, format: PayloadFormat) -> Result<Self, InvalidResponse> {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await.map_err(InvalidResponse::Body)?;
        let (body, is_base64_encoded) = match String::from_utf8(body.into()).map_err(FromUtf8Error::into_bytes) {
            Ok(text) => (text, false),
            Err(bytes) => (STANDARD.encode(bytes), true),
        };
        let mut values = values(&parts.headers)?;
        let (multi_value_headers, headers, cookies) = match format {
            PayloadFormat::V1 => (values, BTreeMap::new(), Vec::new()),
            PayloadFormat::V2 => {
                let cookies = values.remove(SET_COOKIE.as_str()).unwrap_or_default();
                let joined = values.into_iter().map(|(name, values)| (name, values.join(", ")));
                (BTreeMap::new(), joined.collect(), cookies)
            }
        };
        let status_code = parts.status.as_u16();
        Ok(Self { status_code, multi_value_headers, headers, cookies, body, is_base64_encoded })
    }
}

/// Returns the values of each header as text.
fn values(headers: &HeaderMap) -> Result<BTreeMap<String, Vec<String>>, InvalidResponse> {
    let mut values = BTreeMap::new();
    for name in headers.keys() {
        let text = |value: &HeaderValue| std::str::from_utf8(value.as_bytes()).map(str::to_owned);
        let texts: Result<Vec<_>, _> = headers.get_all(name).iter().map(text).collect();
        values.insert(name.as_str().to_owned(), texts.map_err(|_| InvalidResponse::Header(name.clone()))?);
    }
    Ok(values)
}
