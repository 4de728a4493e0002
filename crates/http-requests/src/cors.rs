//! Cross-origin requests of browsers (CORS), off unless origins are allowed.
//!
//! Own code instead of `tower-http`: that layer responds to every `OPTIONS` request, whether or not it is a preflight,
//! and sends CORS headers to origins that are not allowed, too.
//!
//! Source: [Fetch, section 3.2](https://fetch.spec.whatwg.org/#http-cors-protocol).

use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

/// Methods of both APIs.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST");
/// Headers that a browser client sends: those of the APIs, and those of a token or an IAM signature.
const SENT: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-match, if-none-match, traceparent, x-amz-content-sha256, \
     x-amz-date, x-amz-security-token",
);
/// Response headers that a browser client reads, beyond those that every page may read.
const EXPOSED: HeaderValue = HeaderValue::from_static("etag, idempotent-replayed, link, location, retry-after");
/// Seconds for which a browser remembers a preflight: the maximum of Chromium.
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("7200");

/// Origins whose pages may call an API from a browser. Empty by default: no response then has a CORS header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Arc<[String]>);

/// The text is not a list of origins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a list of origins")]
pub struct InvalidOrigins;

impl AllowedOrigins {
    /// Description of the text that is parsed, for error messages.
    pub const EXPECTED: &str = "origins separated by commas, in lower case and without a path, such as \
                                https://shop.example.com,https://admin.example.com:8443";

    fn contains(&self, origin: &HeaderValue) -> bool {
        self.0.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
    }
}

/// Parses origins separated by commas, as browsers send them: `scheme://host` or `scheme://host:port`. The wildcard `*`
/// is invalid: it would allow every website.
impl FromStr for AllowedOrigins {
    type Err = InvalidOrigins;

    fn from_str(text: &str) -> Result<Self, InvalidOrigins> {
        let origins = text.split(',').filter(|_| !text.is_empty());
        let parsed = origins.map(|origin| is_origin(origin).then(|| origin.to_owned()));
        parsed.collect::<Option<_>>().map(Self).ok_or(InvalidOrigins)
    }
}

fn is_origin(text: &str) -> bool {
    let is_lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.split_once("://").is_some_and(|(scheme, host)| {
        !scheme.is_empty()
            && !host.is_empty()
            && scheme.bytes().all(|byte| is_lower(byte) || b"+-.".contains(&byte))
            && host.bytes().all(|byte| is_lower(byte) || b".-_:[]".contains(&byte))
    })
}

/// Completes a router for browsers: responds to CORS preflights of allowed origins, and marks responses to their
/// requests. Without allowed origins, returns the router unchanged.
///
/// It must be the outermost layer, so that pages can read every problem.
pub fn with_cors(router: Router, origins: AllowedOrigins) -> Router {
    if origins.0.is_empty() {
        return router;
    }
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let origins = origins.clone();
        async move { respond(&origins, request, next).await }
    }))
}

async fn respond(origins: &AllowedOrigins, request: Request, next: Next) -> Response {
    let origin = only(request.headers()).filter(|origin| origins.contains(origin)).cloned();
    let is_preflight =
        *request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match origin {
        Some(_) if is_preflight => {
            let headers = [
                (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (ACCESS_CONTROL_ALLOW_HEADERS, SENT),
                (ACCESS_CONTROL_MAX_AGE, MAX_AGE_S),
            ];
            (StatusCode::NO_CONTENT, headers).into_response()
        }
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    // For caches, whether or not this request has an origin.
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if !is_preflight {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
    response
}

/// Returns the request's origin, unless it has none or several.
fn only(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut origins = headers.get_all(ORIGIN).iter();
    origins.next().filter(|_| origins.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_parsed_as_browsers_send_them() {
        assert_eq!("".parse(), Ok(AllowedOrigins::default()));
        let two = "https://shop.example.com,https://admin.example.com:8443".parse::<AllowedOrigins>().unwrap();
        assert_eq!(two.0[..], ["https://shop.example.com", "https://admin.example.com:8443"]);
        for valid in ["http://[::1]:3000", "capacitor://shop"] {
            assert!(valid.parse::<AllowedOrigins>().is_ok(), "{valid}");
        }
    }

    #[test]
    fn text_that_no_browser_sends_as_an_origin_is_invalid() {
        for invalid in [
            "*",
            "null",
            ",",
            "https://a,",
            "https://a, https://b",
            "https://*.example.com",
            "https://Shop.example.com",
            "https://shop.example.com/",
            "https://shop.example.com/path",
            "https://user@shop.example.com",
            "shop.example.com",
            "https://",
            "://shop.example.com",
            "https://shöp.example.com",
        ] {
            assert_eq!(invalid.parse::<AllowedOrigins>(), Err(InvalidOrigins), "{invalid}");
        }
    }
}
