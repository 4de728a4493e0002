//! A router with problems, called directly.
#![allow(missing_docs, clippy::unwrap_used)]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use http_body_util::BodyExt;
use http_problems::{JsonBody, Member, Problem, ProblemKind, kinds, with_problems};
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
    let response = with_problems(router, 64).oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn brew(body: &str) -> (StatusCode, Value) {
    let request = Request::post("/tea").header("content-type", "application/json; charset=utf-8");
    send(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_body_of_the_right_shape_passes() {
    assert_eq!(brew(r#"{"leaves":[1,2]}"#).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn a_wrong_type_is_answered_with_a_pointer() {
    let (status, problem) = brew(r#"{"leaves":[1,"two"]}"#).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        problem,
        json!({
            "type": "/problems/invalid-request",
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
async fn what_is_no_json_is_told_from_what_is_not_valid() {
    for body in ["", "{", "[1,2", r#"{"leaves":[]} trailing"#, "\u{0}"] {
        let (status, problem) = brew(body).await;
        assert_eq!(
            (status, &problem["type"]),
            (StatusCode::BAD_REQUEST, &json!("/problems/malformed-json")),
            "{body:?}"
        );
    }
}

#[tokio::test]
async fn only_objects_are_taken() {
    for body in ["[[1,2]]", "null", "7", "\"tea\""] {
        let (status, problem) = brew(body).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("body")), "{body}");
    }
}

#[tokio::test]
async fn large_bodies_are_refused() {
    let (status, problem) = brew(&format!(r#"{{"leaves":[{}1]}}"#, "1,".repeat(64))).await;
    assert_eq!((status, &problem["type"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("/problems/body-too-large")));
}

#[tokio::test]
async fn bodies_must_be_declared_as_json() {
    let (status, problem) = send(Request::post("/tea").body(Body::from("{}")).unwrap()).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(problem["type"], "/problems/unsupported-media-type");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let (status, problem) = send(Request::get("/coffee").body(Body::empty()).unwrap()).await;
    assert_eq!((status, &problem["type"]), (StatusCode::NOT_FOUND, &json!("/problems/no-such-route")));
    assert_eq!(problem["instance"], "/coffee");
    let (status, problem) = send(Request::get("/tea").body(Body::empty()).unwrap()).await;
    assert_eq!((status, &problem["type"]), (StatusCode::METHOD_NOT_ALLOWED, &json!("/problems/method-not-allowed")));
}

/// Found by fuzzing: a path may hold on the wire what a URI reference may not.
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

const CUPS_LEFT: Member = Member { name: "cups_left", holds: "integer", description: "How many." };
const TEA: Member = Member { name: "tea", holds: "string", description: "Of what." };
const TOO_MUCH: ProblemKind = kinds::INVALID_REQUEST.having(&[CUPS_LEFT, TEA]).sending(&[kinds::RETRY_AFTER]);

#[tokio::test]
#[should_panic(expected = "invalid-request has no tea")]
async fn a_member_that_contracts_do_not_tell_of_is_a_defect() {
    let _ = Problem::new(kinds::INVALID_REQUEST, "Drink less.").with(TEA, "green");
}

#[tokio::test]
#[should_panic(expected = "invalid-request never asks to wait")]
async fn a_wait_that_contracts_do_not_tell_of_is_a_defect() {
    let _ = Problem::new(kinds::INVALID_REQUEST, "Drink less.").retry_after_s(3);
}

#[tokio::test]
async fn a_problem_has_members_of_its_own_beside_the_errors() {
    let problem = || async {
        Problem::new(TOO_MUCH, "Drink less.")
            .with(CUPS_LEFT, 2)
            .with(TEA, "green")
            .pointing_to("/cups", "is above what is left")
            .retry_after_s(3)
    };
    let router = with_problems(Router::new().route("/pot", get(problem)), 64);
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
async fn a_problem_outside_of_such_a_router_is_whole_but_for_its_instance() {
    let response = Problem::new(kinds::INTERNAL, "Sorry.").into_response();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let expected =
        json!({"type": "/problems/internal", "title": "The service failed", "status": 500, "detail": "Sorry."});
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
}

#[tokio::test]
async fn a_method_that_is_not_allowed_is_told_those_that_are() {
    let router = with_problems(Router::new().route("/pot", get(async || ())), 64);
    let response = router.oneshot(Request::delete("/pot").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["allow"], "GET,HEAD");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}
