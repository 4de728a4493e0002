//! A router with problems, called directly.
#![allow(missing_docs, clippy::unwrap_used)]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use http_body_util::BodyExt;
use http_problems::{Member, Problem, ProblemType, builtin, with_problems};
use serde_json::{Value, json};
use tower::ServiceExt;

async fn send(request: Request<Body>) -> (StatusCode, Value) {
    let router = Router::new().route("/tea", post(async || StatusCode::CREATED));
    let response = with_problems(router).oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn unknown_paths_and_methods_yield_problems() {
    let (status, problem) = send(Request::get("/coffee").body(Body::empty()).unwrap()).await;
    assert_eq!((status, &problem["type"]), (StatusCode::NOT_FOUND, &json!("/problems/no-such-route")));
    assert_eq!(problem["instance"], "/coffee");
    let (status, problem) = send(Request::get("/tea").body(Body::empty()).unwrap()).await;
    assert_eq!((status, &problem["type"]), (StatusCode::METHOD_NOT_ALLOWED, &json!("/problems/method-not-allowed")));
}

/// Found by fuzzing: a path on the wire may have characters that a URI reference must not have.
#[tokio::test]
async fn the_instance_is_a_uri_reference_whatever_the_path() {
    for (path, instance) in [
        ("/ru]%C3%B4%07", "/ru%5D%C3%B4%07"),
        ("/a[b]c", "/a%5Bb%5Dc"),
        ("/a|b", "/a%7Cb"),
        ("/a^b", "/a%5Eb"),
        ("/a%%C3%98", "/a%25%C3%98"),
        ("/a%", "/a%25"),
        ("/a%4", "/a%254"),
        ("/a%zz", "/a%25zz"),
        ("/plain-1_~", "/plain-1_~"),
    ] {
        let (status, problem) = send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!((status, &problem["instance"]), (StatusCode::NOT_FOUND, &json!(instance)), "{path}");
    }
}

const CUPS_LEFT: Member = Member { name: "cups_left", holds: "integer", description: "Cups left." };
const TEA: Member = Member { name: "tea", holds: "string", description: "Kind of tea." };
const TOO_MUCH: ProblemType =
    builtin::INVALID_REQUEST.with_members(&[CUPS_LEFT, TEA]).with_headers(&[builtin::RETRY_AFTER]);

#[tokio::test]
#[should_panic(expected = "invalid-request has no member tea")]
async fn a_member_that_the_problem_type_does_not_list_panics() {
    let _ = Problem::new(builtin::INVALID_REQUEST, "Drink less.").with(TEA, "green");
}

#[tokio::test]
#[should_panic(expected = "invalid-request does not list retry-after")]
async fn a_retry_after_that_the_problem_type_does_not_list_panics() {
    let _ = Problem::new(builtin::INVALID_REQUEST, "Drink less.").retry_after_s(3);
}

#[tokio::test]
async fn a_problem_has_extension_members_beside_the_errors() {
    let problem = || async {
        Problem::new(TOO_MUCH, "Drink less.")
            .with(CUPS_LEFT, 2)
            .with(TEA, "green")
            .pointing_to("/cups", "is above what is left")
            .retry_after_s(3)
    };
    let router = with_problems(Router::new().route("/pot", get(problem)));
    let response = router.oneshot(Request::get("/pot").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["retry-after"], "3");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let expected = json!({
        "type": "/problems/invalid-request",
        "title": "The request is not valid",
        "status": 400,
        "detail": "Drink less.",
        "instance": "/pot",
        "errors": [{"pointer": "/cups", "detail": "is above what is left"}],
        "cups_left": 2,
        "tea": "green",
    });
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
}

#[tokio::test]
async fn a_problem_outside_of_a_router_lacks_only_the_instance() {
    let response = Problem::new(builtin::INTERNAL, "Sorry.").into_response();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let expected = json!({"type": "/problems/internal", "title": "Internal error", "status": 500, "detail": "Sorry."});
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
}

#[tokio::test]
async fn a_405_lists_the_allowed_methods() {
    let router = with_problems(Router::new().route("/pot", get(async || ())));
    let response = router.oneshot(Request::delete("/pot").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["allow"], "GET,HEAD");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}
