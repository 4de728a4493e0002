//! Conversion of a function's result to an HTTP response, and API Gateway's own error responses.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulators::ErrorAnswer;
use crate::template::PayloadFormat;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionResponse {
    status_code: Value,
    #[serde(default)]
    headers: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<Value>>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: Option<bool>,
    /// Payload format 2.0 only.
    #[serde(default)]
    cookies: Vec<String>,
}

/// Converts the result of a function to the HTTP response to a request with this method. The error says why the result
/// is malformed.
pub(super) fn response(answer: &[u8], format: PayloadFormat, method: &Method) -> Result<Response, String> {
    let returned: Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    if format == PayloadFormat::V2 && returned.get("statusCode").is_none() {
        // Without a statusCode, an HTTP API returns the result as the body of a 200.
        let body = returned.as_str().map_or_else(|| returned.to_string(), str::to_owned);
        return Ok((StatusCode::OK, [(CONTENT_TYPE, "application/json")], body).into_response());
    }
    let mut returned: FunctionResponse = serde_json::from_value(returned).map_err(|error| error.to_string())?;
    if format == PayloadFormat::V2 {
        let cookies = returned.cookies.drain(..).map(Value::String).collect();
        returned.multi_value_headers = Some([(SET_COOKIE.to_string(), cookies)].into());
    }
    let status = match &returned.status_code {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let status =
        status.and_then(|status| u16::try_from(status).ok()).and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.ok_or_else(|| format!("statusCode {} is not an HTTP status", returned.status_code))?;
    let mut headers = HeaderMap::new();
    let multi = returned.multi_value_headers.unwrap_or_default();
    // A header in both maps has the values of multiValueHeaders.
    let single = returned.headers.unwrap_or_default().into_iter();
    let single = single.filter(|(name, _)| !multi.keys().any(|multi| multi.eq_ignore_ascii_case(name)));
    let all = single.map(|(name, value)| (name, vec![value])).chain(multi.clone());
    for (name, values) in all {
        let name = HeaderName::try_from(&name).map_err(|_| format!("{name:?} is not a header name"))?;
        for value in values {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let value = HeaderValue::try_from(text).map_err(|_| format!("header {name} has an invalid value"))?;
            headers.append(name.clone(), value);
        }
    }
    // The server sets these headers itself. It cannot know the length of the body that a response to HEAD lacks.
    for name in [TRANSFER_ENCODING, CONNECTION] {
        headers.remove(name);
    }
    if method != Method::HEAD {
        headers.remove(CONTENT_LENGTH);
    }
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let body = returned.body.unwrap_or_default();
    let body = if returned.is_base64_encoded.unwrap_or(false) {
        STANDARD.decode(body).map_err(|error| format!("the body is not valid base64: {error}"))?
    } else {
        body.into_bytes()
    };
    Ok((status, headers, Body::from(body)).into_response())
}

/// Reason why API Gateway responds itself, without the result of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GatewayError {
    NoRoute,
    Incomplete,
    TooLarge,
    Throttled,
    Failed,
    TimedOut,
    Stopping,
}

impl GatewayError {
    /// Builds the response, for example `{"message":"Missing Authentication Token"}`.
    pub(super) fn response(self, format: PayloadFormat) -> Response {
        let (status, message) = match (self, format) {
            // The response of a REST API to an unknown route.
            (Self::NoRoute, PayloadFormat::V1) => (StatusCode::FORBIDDEN, "Missing Authentication Token"),
            (Self::NoRoute, PayloadFormat::V2) => (StatusCode::NOT_FOUND, "Not Found"),
            (Self::Incomplete, _) => (StatusCode::BAD_REQUEST, "Bad Request"),
            (Self::TooLarge, PayloadFormat::V1) => (StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long"),
            (Self::TooLarge, PayloadFormat::V2) => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            (Self::Throttled, PayloadFormat::V1) => (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
            (Self::Failed, PayloadFormat::V1) => (StatusCode::BAD_GATEWAY, "Internal server error"),
            (Self::Failed, PayloadFormat::V2) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            (Self::TimedOut, PayloadFormat::V1) => (StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out"),
            (Self::Stopping, _) | (Self::Throttled | Self::TimedOut, PayloadFormat::V2) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
        };
        (status, axum::Json(json!({"message": message}))).into_response()
    }
}

/// Builds the response of an injected error, in the format of API Gateway.
pub(super) fn injected(error: &ErrorAnswer) -> Response {
    let headers = [("x-amzn-errortype", error.code.clone())];
    (error.status(), headers, axum::Json(json!({"message": error.message()}))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn headers_and_body_are_passed_through() {
        let answer = json!({
            "statusCode": 201, "headers": {"Location": "/payments/1", "Retry-After": 3, "content-length": "99"},
            "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]}, "body": "aGk=", "isBase64Encoded": true,
        });
        let response = response(answer.to_string().as_bytes(), PayloadFormat::V1, &Method::GET).unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["location"], "/payments/1");
        assert_eq!(response.headers()["retry-after"], "3");
        assert_eq!(response.headers()["content-type"], "application/json");
        assert!(!response.headers().contains_key("content-length"));
        let answer = json!({"statusCode": 200, "headers": {"content-length": "99"}, "body": ""}).to_string();
        let head = super::response(answer.as_bytes(), PayloadFormat::V1, &Method::HEAD).unwrap();
        assert_eq!(head.headers()["content-length"], "99");
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
        let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
        assert_eq!(&body[..], b"hi");
    }

    #[tokio::test]
    async fn an_http_api_accepts_cookies_and_results_without_a_status() {
        let answer = json!({"statusCode": 204, "headers": {"x": "1"}, "cookies": ["a=1", "b=2"]});
        let with_cookies = response(answer.to_string().as_bytes(), PayloadFormat::V2, &Method::GET).unwrap();
        assert_eq!(
            (with_cookies.status().as_u16(), &with_cookies.headers()["x"]),
            (204, &HeaderValue::from_static("1"))
        );
        assert_eq!(with_cookies.headers().get_all("set-cookie").iter().count(), 2);
        let inferred = response(br#"{"a":1}"#, PayloadFormat::V2, &Method::GET).unwrap();
        assert_eq!(
            (inferred.status().as_u16(), &inferred.headers()["content-type"]),
            (200, &HeaderValue::from_static("application/json"))
        );
        let body = axum::body::to_bytes(inferred.into_body(), 100).await.unwrap();
        assert_eq!(&body[..], br#"{"a":1}"#);
    }

    #[test]
    fn a_malformed_result_is_refused() {
        for answer in [
            "",
            "null",
            "\"hello\"",
            "{}",
            r#"{"statusCode":"many"}"#,
            r#"{"statusCode":99}"#,
            r#"{"statusCode":200,"body":{"a":1}}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
            r#"{"statusCode":200,"body":"%","isBase64Encoded":true}"#,
        ] {
            assert!(response(answer.as_bytes(), PayloadFormat::V1, &Method::GET).is_err(), "{answer}");
        }
    }
}
