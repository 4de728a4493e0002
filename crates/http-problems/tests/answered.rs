//! What a router answers, held to what its description says.
#![allow(missing_docs, clippy::unwrap_used)]

use axum::http::{HeaderMap, Method, StatusCode};
use http_problems::contract::{About, Answer, Answered, Description, Routes};
use http_problems::{Member, PathParameter, ProblemKind, kinds};
use schemars::json_schema;
use serde_json::{Value, json};

const LEFT: Member = Member { name: "left", holds: "integer", description: "How many cups are left." };
const EMPTY: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "empty", "The pot is empty").having(&[LEFT]).sending(&[kinds::RETRY_AFTER]);

fn pour() -> About {
    let text = || json_schema!({ "type": "string" });
    let poured = Answer::json::<String>(StatusCode::OK, "A cup.").header("etag", "Of the pot.", text()).sometimes(
        "age",
        "Of the tea.",
        text(),
    );
    About::new("pour", "Pour", "A cup.").answers(poured).problems([EMPTY])
}

/// What is told of this answer to `GET /pots/{pot}`.
fn told(status: StatusCode, headers: &[(&'static str, &str)], body: &Value) -> String {
    let handler = async |_: PathParameter<String>| ();
    let description = Routes::<()>::get(Description::new(), "/pots/{pot}", handler, pour);
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let answered = Answered { method: &Method::GET, path: "/pots/7", status, headers: &headers, body };
    let elsewhere = Answered { path: "/pots", ..answered };
    assert_eq!(description.breach(elsewhere), None, "there is no such operation");
    description.breach(answered).unwrap_or_default()
}

const OK: StatusCode = StatusCode::OK;
const CONFLICT: StatusCode = StatusCode::CONFLICT;

fn empty() -> Value {
    json!({ "type": "/problems/empty", "status": 409, "left": 0 })
}

#[test]
fn what_is_said_passes() {
    let body = ("content-type", "application/json");
    assert_eq!(told(OK, &[body, ("etag", "1")], &json!("tea")), "");
    assert_eq!(told(OK, &[body, ("etag", "1"), ("age", "3")], &json!("tea")), "");
    assert_eq!(told(CONFLICT, &[("retry-after", "3")], &empty()), "");
}

#[test]
fn each_part_that_is_not_said_is_told() {
    let with = |member: &str, value: Value| {
        let mut body = empty();
        body[member] = value;
        body
    };
    let wait = ("retry-after", "3");
    for (answered, expected) in [
        (told(StatusCode::CREATED, &[("etag", "1")], &json!("tea")), "no such answer"),
        (told(OK, &[], &json!("tea")), "the header etag is missing"),
        (told(OK, &[("etag", "1"), wait], &json!("tea")), "the header retry-after is not listed"),
        (told(CONFLICT, &[], &empty()), "the header retry-after is missing"),
        (told(CONFLICT, &[wait, ("etag", "1")], &empty()), "the header etag is not listed"),
        (told(OK, &[wait], &empty()), "the problem has the status 409 Conflict"),
        (told(CONFLICT, &[wait], &with("type", json!("/problems/cold"))), "a problem that it does not list"),
        (told(CONFLICT, &[wait], &with("pot", json!(7))), "the member pot is not listed"),
    ] {
        assert!(answered.starts_with("pour answered") && answered.ends_with(expected), "{expected}: {answered}");
    }
}
