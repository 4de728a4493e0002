//! Extraction of JSON bodies, in a router that is called directly.
#![allow(missing_docs, clippy::unwrap_used)]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::post;
use http_body_util::BodyExt;
use http_requests::{JsonBody, with_request_checks};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tea {
    #[serde(rename = "leaves")]
    _leaves: Vec<u8>,
}

async fn send(request: Request<Body>) -> (StatusCode, Value) {
    let router = Router::new().route("/tea", post(async |_: JsonBody<Tea>| StatusCode::CREATED));
    let response = with_request_checks(router, 64).oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn brew(body: &str) -> (StatusCode, Value) {
    let request = Request::post("/tea").header("content-type", "application/json; charset=utf-8");
    send(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_valid_body_is_accepted() {
    assert_eq!(brew(r#"{"leaves":[1,2]}"#).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn a_wrong_type_is_reported_with_a_pointer() {
    let (status, problem) = brew(r#"{"leaves":[1,"two"]}"#).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        problem,
        json!({
            "type": "https://paystream.example/problems/invalid-request",
            "title": "The request is not valid",
            "status": 400,
            "detail": "/leaves/1 invalid type: string, expected u8.",
            "instance": "/tea",
            "errors": [{"pointer": "/leaves/1", "detail": "invalid type: string, expected u8"}],
        })
    );
}

#[tokio::test]
async fn unknown_fields_are_named() {
    let (status, problem) = brew(r#"{"leaves":[],"sugar":true}"#).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(problem["errors"][0]["pointer"], "/sugar");
}

#[tokio::test]
async fn malformed_json_is_distinguished_from_an_invalid_request() {
    for body in ["", "{", "[1,2", r#"{"leaves":[]} trailing"#, "\u{0}"] {
        let (status, problem) = brew(body).await;
        assert_eq!(
            (status, &problem["type"]),
            (StatusCode::BAD_REQUEST, &json!("https://paystream.example/problems/malformed-json")),
            "{body:?}"
        );
    }
}

#[tokio::test]
async fn only_objects_are_accepted() {
    for body in ["[[1,2]]", "null", "7", "\"tea\""] {
        let (status, problem) = brew(body).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("body")), "{body}");
    }
}

#[tokio::test]
async fn large_bodies_are_rejected() {
    let (status, problem) = brew(&format!(r#"{{"leaves":[{}1]}}"#, "1,".repeat(64))).await;
    assert_eq!(
        (status, &problem["type"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("https://paystream.example/problems/body-too-large"))
    );
}

/// The router whose body is required, and the one whose body may be missing.
fn routers() -> [Router; 2] {
    let required = Router::new().route("/tea", post(async |_: JsonBody<Tea>| StatusCode::CREATED));
    let optional = Router::new().route("/tea", post(async |_: Option<JsonBody<Tea>>| StatusCode::CREATED));
    [required, optional].map(|router| with_request_checks(router, 64))
}

#[tokio::test]
async fn a_compressed_body_is_rejected_with_the_accepted_coding() {
    let post = |codings: &[&'static str], body: &'static str| {
        let request = Request::post("/tea").header("content-type", "application/json");
        let request = codings.iter().fold(request, |request, coding| request.header("content-encoding", *coding));
        request.body(Body::from(body)).unwrap()
    };
    for router in routers() {
        for codings in [&["gzip"] as &[_], &["br, identity"], &["identity", "deflate"], &["x"], &["aws-chunked"]] {
            // Whatever the body: it cannot be read.
            for body in [r#"{"leaves":[1]}"#, "\u{1f}gzip", ""] {
                let response = router.clone().oneshot(post(codings, body)).await.unwrap();
                assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{codings:?} {body:?}");
                assert_eq!(response.headers()["accept-encoding"], "identity");
                let body = response.into_body().collect().await.unwrap().to_bytes();
                let problem: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(problem["type"], "https://paystream.example/problems/unsupported-content-encoding");
            }
        }
        for codings in [&[] as &[_], &["identity"], &["Identity, identity"], &[""]] {
            let response = router.clone().oneshot(post(codings, r#"{"leaves":[1]}"#)).await.unwrap();
            assert_eq!(response.status(), StatusCode::CREATED, "{codings:?}");
        }
    }
}

#[tokio::test]
async fn a_json_content_type_is_required() {
    let json = "application/json";
    for content_types in [
        &[][..],
        &["text/plain"],
        &[json, json],
        &[json, "text/plain"],
        &["application/json,application/json"],
        &["application/json; charset=utf-8,text/plain"],
    ] {
        let request =
            content_types.iter().fold(Request::post("/tea"), |request, value| request.header("content-type", *value));
        let (status, problem) = send(request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_types:?}");
        assert_eq!(problem["type"], "https://paystream.example/problems/unsupported-media-type");
    }
}
