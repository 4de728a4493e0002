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
use uri_paths::ClientPath;

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
    assert_eq!(
        (status, &problem["type"]),
        (StatusCode::NOT_FOUND, &json!("https://paystream.example/problems/no-such-route"))
    );
    assert_eq!(problem["instance"], "/coffee");
    let (status, problem) = send(Request::get("/tea").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (status, &problem["type"]),
        (StatusCode::METHOD_NOT_ALLOWED, &json!("https://paystream.example/problems/method-not-allowed"))
    );
}

#[tokio::test]
async fn the_instance_is_the_path_that_the_client_sent() {
    let client = |path: &str, is_unrouted| ClientPath { path: path.to_owned(), is_unrouted };
    let request = Request::get("/coffee").extension(client("/pay/dev/coffee", false));
    let (status, problem) = send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((status, &problem["instance"]), (StatusCode::NOT_FOUND, &json!("/pay/dev/coffee")));
}

/// Otherwise a request could reach another route than the one that its gateway has authorized.
#[tokio::test]
async fn a_path_without_a_route_in_the_gateway_has_none_in_the_router() {
    let router = Router::new()
        .route("/tea/{cup}", post(async || StatusCode::CREATED))
        .route("/cups/{cup}", get(async || StatusCode::OK));
    let send = async |path: &str, is_unrouted| {
        let client = ClientPath { path: format!("/dev{path}"), is_unrouted };
        let request = Request::post(path).extension(client).body(Body::empty()).unwrap();
        with_problems(router.clone()).oneshot(request).await.unwrap()
    };
    assert_eq!(send("/tea/1", false).await.status(), StatusCode::CREATED);
    assert_eq!(send("/tea/1%252F", false).await.status(), StatusCode::CREATED, "an encoded percent sign");
    for (path, is_unrouted) in [("/tea/1", true), ("/tea/1%2F2", false), ("/tea/1%2f", false), ("/cups/1", true)] {
        let response = send(path, is_unrouted).await;
        let status = response.status();
        assert!(!response.headers().contains_key("allow"), "{path}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &problem["type"]), (StatusCode::NOT_FOUND, &builtin::NO_SUCH_ROUTE.uri().into()), "{path}");
        assert_eq!(problem["instance"], format!("/dev{path}"));
    }
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
        "type": "https://paystream.example/problems/invalid-request",
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
    let expected = json!({"type": "https://paystream.example/problems/internal", "title": "Internal error", "status": 500, "detail": "Sorry."});
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
}

#[tokio::test]
async fn a_405_lists_the_methods_of_the_path_and_no_others() {
    let routes = Router::new()
        .route("/pot", get(async || "tea"))
        .route("/tea", post(async || StatusCode::CREATED))
        .route("/cups", post(async || StatusCode::CREATED))
        .route("/cups", get(async || "cups"));
    let router = with_problems(routes);
    let send = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    for (path, methods) in
        [("/pot", ["GET", "HEAD"].as_slice()), ("/tea", &["POST"]), ("/cups", &["POST", "GET", "HEAD"])]
    {
        for method in ["GET", "HEAD", "POST", "OPTIONS", "PUT", "TRACE", "BREW"] {
            let response = send(method, path).await;
            if methods.contains(&method) {
                assert!(response.status().is_success(), "{method} {path}");
                assert!(!response.headers().contains_key("allow"), "{method} {path}");
                continue;
            }
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(response.headers()["allow"], methods.join(","), "{method} {path}");
            assert_eq!(response.headers()["content-type"], "application/problem+json");
        }
    }
    let head = send("HEAD", "/pot").await;
    assert_eq!(head.headers()["content-length"], "3", "the length of the body that GET has");
    assert!(head.into_body().collect().await.unwrap().to_bytes().is_empty());
}
