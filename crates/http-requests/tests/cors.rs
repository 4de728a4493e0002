//! Cross-origin requests to a router.
#![allow(missing_docs, clippy::unwrap_used)]

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, Request, StatusCode};
use http_requests::{with_cors, with_request_checks};
use tower::ServiceExt;

const SHOP: &str = "https://shop.example.com";
const ORIGINS: &str = "https://shop.example.com,http://localhost:5173";
/// Header that makes an `OPTIONS` request a preflight.
const PREFLIGHT: (&str, &str) = ("access-control-request-method", "POST");

async fn send(origins: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let router = Router::new().route("/things", get(async || ([("etag", "\"1\"")], "thing")));
    let router = with_cors(with_request_checks(router, 100), origins.parse().unwrap());
    let request = headers
        .iter()
        .fold(Request::builder().method(method).uri(path), |request, (name, value)| request.header(*name, *value));
    router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// Names of the CORS headers, and `vary`.
fn cors(headers: &HeaderMap) -> Vec<&str> {
    let names = headers.keys().map(http::HeaderName::as_str);
    names.filter(|name| name.starts_with("access-control-") || *name == "vary").collect()
}

#[tokio::test]
async fn without_allowed_origins_no_response_has_a_cors_header() {
    for (method, path) in [("GET", "/things"), ("OPTIONS", "/things"), ("POST", "/things"), ("GET", "/none")] {
        let response = send("", method, path, &[("origin", SHOP), PREFLIGHT]).await;
        assert_eq!(cors(response.headers()), [""; 0], "{method} {path}");
    }
}

#[tokio::test]
async fn a_preflight_of_an_allowed_origin_gets_the_methods_and_headers_of_the_apis() {
    for origin in ORIGINS.split(',') {
        let response = send(ORIGINS, "OPTIONS", "/things", &[("origin", origin), PREFLIGHT]).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        let headers = response.headers();
        assert_eq!(headers["access-control-allow-origin"], origin);
        assert_eq!(headers["access-control-allow-methods"], "GET, HEAD, POST");
        let allowed = headers["access-control-allow-headers"].to_str().unwrap();
        for sent in ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "x-amz-date"] {
            assert!(allowed.split(", ").any(|name| name == sent), "{sent}");
        }
        assert_eq!(
            (&headers["access-control-max-age"], &headers["vary"]),
            (&"7200".parse().unwrap(), &"origin".parse().unwrap())
        );
        assert!(!headers.contains_key("access-control-allow-credentials"), "no cookies");
    }
}

#[tokio::test]
async fn pages_of_an_allowed_origin_read_every_response_and_its_headers() {
    for (method, path, status) in
        [("GET", "/things", 200), ("GET", "/none", 404), ("DELETE", "/things", 405), ("GET", "/4242424242424242", 400)]
    {
        let response = send(ORIGINS, method, path, &[("origin", SHOP)]).await;
        assert_eq!(response.status(), status);
        let headers = response.headers();
        assert_eq!(headers["access-control-allow-origin"], SHOP, "{path}");
        assert_eq!(headers["access-control-expose-headers"], "etag, idempotent-replayed, link, location, retry-after");
        assert_eq!(headers["vary"], "origin");
    }
}

#[tokio::test]
async fn other_origins_get_no_cors_header_but_caches_are_told() {
    for origin in [
        "https://evil.example.com",
        "https://shop.example.com.evil.com",
        "http://shop.example.com",
        "null",
        "*",
        ORIGINS,
    ] {
        for method in ["GET", "OPTIONS"] {
            let response = send(ORIGINS, method, "/things", &[("origin", origin), PREFLIGHT]).await;
            assert_eq!(cors(response.headers()), ["vary"], "{method} {origin}");
        }
    }
    for headers in [&[][..], &[("origin", SHOP), ("origin", "https://evil.example.com")]] {
        assert_eq!(cors(send(ORIGINS, "GET", "/things", headers).await.headers()), ["vary"]);
    }
}
