//! Card numbers are rejected anywhere in a request and never repeated in a response.
#![allow(missing_docs, clippy::unwrap_used)]

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, post};
use http_body_util::BodyExt;
use http_requests::{JsonBody, with_request_checks};
use serde_json::{Value, json};
use tower::ServiceExt;
use uri_paths::ClientPath;

const CARD: &str = "4242424242424242";

/// Accepts any JSON object, so that nothing else rejects the bodies here. `GET` returns the trace that it received.
fn router() -> Router {
    let trace = |headers: HeaderMap| async move { format!("{:?}", headers.get("traceparent")) };
    let routes = Router::new().route("/tea", post(async |_: JsonBody<Value>| ())).route("/tea", get(trace));
    with_request_checks(routes, 64 * 1024)
}

async fn send(request: Request<Body>) -> (StatusCode, String) {
    let response = router().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn post_tea(body: impl Into<String>) -> (StatusCode, String) {
    let request = Request::post("/tea").header("content-type", "application/json");
    send(request.body(Body::from(body.into())).unwrap()).await
}

/// Asserts that a request was rejected for a card number, which the response does not repeat. Returns the pointers.
#[track_caller]
fn places((status, answer): (StatusCode, String)) -> Vec<String> {
    let problem: Value = serde_json::from_str(&answer).unwrap_or_default();
    assert_eq!(
        (status.as_u16(), &problem["type"]),
        (400, &json!("https://paystream.example/problems/card-number")),
        "{answer}"
    );
    assert!(!answer.contains("4242") && !answer.contains("5556"), "{answer}");
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_refused_request_with_an_unknown_method_lists_no_methods() {
    let request = Request::delete(format!("/tea?card={CARD}")).body(Body::empty()).unwrap();
    let response = router().oneshot(request).await.unwrap();
    assert_eq!((response.status(), response.headers().get("allow")), (StatusCode::BAD_REQUEST, None));
}

/// A gateway's catch-all leaves open which part of the path is the route's.
#[tokio::test]
async fn a_card_number_anywhere_in_an_unrouted_path_is_rejected_and_not_named() {
    let client = ClientPath { path: format!("/dev/{CARD}/tea"), is_unrouted: true };
    let request = Request::get("/tea").extension(client).body(Body::empty()).unwrap();
    assert_eq!(places(send(request).await), ["path"]);
}

#[tokio::test]
async fn a_card_number_in_a_body_is_rejected_with_its_place() {
    let number: u64 = CARD.parse().unwrap();
    let cases = [
        (json!({"card": CARD}), "/card"),
        (json!({"card": number}), "/card"),
        (json!({"amounts": [1, {"a/b~c": [null, true, CARD]}]}), "/amounts/1/a~1b~0c/2"),
        (json!({"note": "call me, 4242 4242 4242 4242 is mine"}), "/note"),
        (json!({CARD: 1}), "body"),
        (json!({"cards": {"4242-4242-4242-4242": {"below": CARD}}}), "/cards"),
    ];
    for (body, place) in cases {
        assert_eq!(places(post_tea(body.to_string()).await), [place], "{body}");
    }
    for body in [format!("\"{CARD}\""), format!("{{\"card\":{CARD}.0}}"), format!("{{\"card\":-0.{CARD}}}")] {
        assert_eq!(places(post_tea(body).await), ["body"]);
    }
}

#[tokio::test]
async fn escapes_and_duplicates_hide_nothing() {
    let escaped = CARD.replace('4', "\\u0034").replace('2', "\\u0032");
    assert_eq!(places(post_tea(format!(r#"{{"card":"{escaped}"}}"#)).await), ["/card"]);
    assert_eq!(places(post_tea(format!(r#"{{"{escaped}":1}}"#)).await), ["body"]);
    assert_eq!(places(post_tea(r#"{"card":"4242\u00204242\u00204242\u00204242"}"#).await), ["/card"]);
    assert_eq!(places(post_tea(format!(r#"{{"card":"{CARD}","card":1}}"#)).await), ["/card"]);
}

#[tokio::test]
async fn places_are_named_up_to_a_limit() {
    let body = json!({"a": CARD, "b": {"c": "5555555555554444"}});
    assert_eq!(places(post_tea(body.to_string()).await), ["/a", "/b/c"]);
    assert_eq!(places(post_tea(json!({"all": vec![CARD; 1_000]}).to_string()).await).len(), 10);
}

#[tokio::test]
async fn a_card_number_in_malformed_json_is_rejected() {
    assert_eq!(places(post_tea(format!(r#"{{"card":"{CARD}","#)).await), ["/card"]);
    for body in [format!("{{{CARD}"), format!("card {CARD}"), format!(r#"{{"a" "{CARD}"}}"#)] {
        assert_eq!(places(post_tea(body.as_str()).await), ["body"], "{body}");
    }
    let (status, answer) = post_tea(format!(r#"{{"card":{CARD}x"#)).await;
    assert!(status == StatusCode::BAD_REQUEST && !answer.contains("4242"), "{answer}");
}

#[tokio::test]
async fn the_search_for_card_numbers_has_a_bounded_depth() {
    let nested = |depth| format!(r#"{{"deep":{}{CARD}0000{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert_eq!(post_tea(nested(100)).await.0, StatusCode::OK);
    let (status, answer) = post_tea(nested(20_000)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer.contains("malformed-json"), "{answer}");
}

#[tokio::test]
async fn a_card_number_in_a_path_or_query_is_rejected_and_never_repeated() {
    for path in ["/tea/4242424242424242", "/4242%204242%204242%204242", "/tea/%34242424242424242"] {
        let (status, answer) = send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert!(!answer.contains("instance"), "{answer}");
        assert_eq!(places((status, answer)), ["path"]);
    }
    for query in ["card=4242424242424242", "4242424242424242", "a=b&card=4242+4242%204242+4242", "a=%34242424242424242"]
    {
        let (status, answer) = send(Request::get(format!("/tea?{query}")).body(Body::empty()).unwrap()).await;
        assert!(answer.contains(r#""instance":"/tea""#), "{answer}");
        assert_eq!(places((status, answer)), ["query"]);
    }
}

#[tokio::test]
async fn a_card_number_in_a_caller_defined_header_is_rejected() {
    for name in ["idempotency-key", "if-match"] {
        let request = Request::get("/tea").header(name, "fine").header(name, format!("pay-{CARD}"));
        assert_eq!(places(send(request.body(Body::empty()).unwrap()).await), [name]);
    }
}

#[tokio::test]
async fn a_trace_that_looks_like_a_card_number_is_dropped() {
    let trace = |parent: &str| {
        let trace = format!("00-0af7651916cd43dd8448eb211c80319c-{parent}-01");
        send(Request::get("/tea").header("traceparent", trace).body(Body::empty()).unwrap())
    };
    assert_eq!(trace(CARD).await, (StatusCode::OK, "None".to_owned()));
    let (status, answer) = trace("b7ad6b7169203331").await;
    assert!(status == StatusCode::OK && answer.contains("b7ad6b7169203331"), "{answer}");
}

#[tokio::test]
async fn ordinary_bodies_pass() {
    let body = json!({
        "order_id": "ord-8e03978e-40d5-43e8-bc93-6894a57f9324",
        "created_at": "2026-11-22T20:00:00.123Z",
        "minor": i64::MAX,
        "city": "Z\u{fc}rich",
        "sku": "4242424242424243",
    });
    assert_eq!(post_tea(body.to_string()).await, (StatusCode::OK, String::new()));
    assert_eq!(post_tea(body.to_string().replace('\u{fc}', "\\u00fc")).await.0, StatusCode::OK);
}
