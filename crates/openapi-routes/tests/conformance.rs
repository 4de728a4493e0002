//! Comparison of responses with a description.
#![allow(missing_docs, clippy::unwrap_used)]

use axum::http::{HeaderMap, Method, StatusCode};
use http_problems::{Member, ProblemType, builtin};
use http_requests::PathParameter;
use openapi_routes::testing::Response;
use openapi_routes::{Answer, Description, OperationDoc, Routes};
use schemars::json_schema;
use serde_json::{Value, json};

const LEFT: Member = Member { name: "left", holds: "integer", description: "Cups left." };
const EMPTY: ProblemType = ProblemType::new(StatusCode::CONFLICT, "empty", "The pot is empty")
    .with_members(&[LEFT])
    .with_headers(&[builtin::RETRY_AFTER]);

fn pour() -> OperationDoc {
    let text = || json_schema!({ "type": "string" });
    let poured = Answer::json::<String>(StatusCode::OK, "A cup.")
        .header("etag", "Version of the pot.", text())
        .optional_header("age", "Age of the tea.", text());
    OperationDoc::new("pour", "Pour", "A cup.").answers(poured).problems([EMPTY])
}

/// Returns the violation in this response to `GET /pots/{pot}`, or an empty list.
fn violation(status: StatusCode, headers: &[(&'static str, &str)], body: &Value) -> String {
    let handler = async |_: PathParameter<String>| ();
    let description = Routes::<()>::get(Description::new(), "/pots/{pot}", handler, pour);
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let response = Response { status, headers, body: body.clone() };
    assert_eq!(description.violation(&Method::GET, "/pots", &response), None, "there is no such operation");
    description.violation(&Method::GET, "/pots/7", &response).unwrap_or_default()
}

const OK: StatusCode = StatusCode::OK;
const CONFLICT: StatusCode = StatusCode::CONFLICT;

fn empty() -> Value {
    json!({ "type": "https://paystream.example/problems/empty", "status": 409, "left": 0 })
}

#[test]
fn a_documented_response_passes() {
    let body = ("content-type", "application/json");
    assert_eq!(violation(OK, &[body, ("etag", "1")], &json!("tea")), "");
    assert_eq!(violation(OK, &[body, ("etag", "1"), ("age", "3")], &json!("tea")), "");
    assert_eq!(violation(CONFLICT, &[("retry-after", "3")], &empty()), "");
}

#[test]
fn each_undocumented_part_is_reported() {
    let with = |member: &str, value: Value| {
        let mut body = empty();
        body[member] = value;
        body
    };
    let wait = ("retry-after", "3");
    for (found, expected) in [
        (violation(StatusCode::CREATED, &[("etag", "1")], &json!("tea")), "the status is not listed"),
        (violation(OK, &[], &json!("tea")), "the header etag is missing"),
        (violation(OK, &[("etag", "1"), wait], &json!("tea")), "the header retry-after is not listed"),
        (violation(CONFLICT, &[], &empty()), "the header retry-after is missing"),
        (violation(CONFLICT, &[wait, ("etag", "1")], &empty()), "the header etag is not listed"),
        (violation(OK, &[wait], &empty()), "the problem type has the status 409 Conflict"),
        (
            violation(CONFLICT, &[wait], &with("type", json!("https://paystream.example/problems/cold"))),
            "the problem type is not listed",
        ),
        (violation(CONFLICT, &[wait], &with("pot", json!(7))), "the member pot is not listed"),
    ] {
        assert!(found.starts_with("pour responded") && found.ends_with(expected), "{expected}: {found}");
    }
}
