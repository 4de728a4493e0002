//! What a function returns for API Gateway to make an answer of.

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

/// The largest body of an answer, in bytes: what Lambda takes of a function.
pub const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;

/// An answer in the format that it was asked for in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxyResponse {
    status_code: u16,
    /// In format 1.0.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    /// In format 2.0.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    /// In format 2.0, which has one value for each header: cookies are the only ones that cannot be joined.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    body: String,
    is_base64_encoded: bool,
}

/// Why there is no answer to an invocation.
#[derive(Debug, thiserror::Error)]
pub enum InvalidResponse {
    /// JSON holds text alone.
    #[error("header {0} of the answer is no UTF-8")]
    Header(HeaderName),
    /// It failed half-way, or is longer than [`BODY_BYTES_MAX`].
    #[error("the body of the answer cannot be read: {0}")]
    Body(#[source] axum::Error),
}

/// What Lambda is told of a failed invocation.
impl From<InvalidResponse> for Diagnostic {
    fn from(error: InvalidResponse) -> Self {
        Self { error_type: "InvalidResponse".to_owned(), error_message: error.to_string() }
    }
}

impl ProxyResponse {
    /// The answer of a router. A body that is UTF-8 is text, whatever its type says, and base64 otherwise.
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

/// Each header's values.
fn values(headers: &HeaderMap) -> Result<BTreeMap<String, Vec<String>>, InvalidResponse> {
    let mut values = BTreeMap::new();
    for name in headers.keys() {
        let text = |value: &HeaderValue| std::str::from_utf8(value.as_bytes()).map(str::to_owned);
        let texts: Result<Vec<_>, _> = headers.get_all(name).iter().map(text).collect();
        values.insert(name.as_str().to_owned(), texts.map_err(|_| InvalidResponse::Header(name.clone()))?);
    }
    Ok(values)
}
