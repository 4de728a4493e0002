//! Responses never repeat a rejected value of a body or a query.
#![allow(missing_docs, clippy::unwrap_used)]

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::{get, post};
use http_body_util::BodyExt;
use http_requests::{JsonBody, Object, QueryParameters, with_request_checks};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Green,
    Black,
}

/// One field for each kind of error message in serde.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only deserialization is tested")]
struct Tea {
    kind: Kind,
    cups: u8,
    degrees: f64,
    sweet: bool,
    initial: char,
    note: Option<u64>,
    leaves: Vec<Object<Leaf>>,
    pair: (u8, u8),
    nothing: (),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only deserialization is tested")]
struct Leaf {
    grams: i64,
    port: std::num::NonZeroU16,
    from: std::net::IpAddr,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only deserialization is tested")]
struct Search {
    cups: Option<u8>,
    kind: Option<Kind>,
    sweet: Option<bool>,
}

const FIELDS: [&str; 14] = [
    "",
    "/kind",
    "/cups",
    "/degrees",
    "/sweet",
    "/initial",
    "/note",
    "/leaves",
    "/leaves/0",
    "/leaves/0/grams",
    "/leaves/0/port",
    "/leaves/0/from",
    "/pair",
    "/nothing",
];

fn tea() -> Value {
    let leaf = json!({"grams": 1, "port": 1, "from": "127.0.0.1"});
    json!({"kind": "green", "cups": 1, "degrees": 80.5, "sweet": false, "initial": "e", "note": null, "leaves": [leaf],
        "pair": [1, 2], "nothing": null})
}

fn answer(request: Request<Body>) -> (u16, String) {
    let router = Router::new()
        .route("/tea", post(async |_: JsonBody<Tea>| ()))
        .route("/tea", get(async |_: QueryParameters<Search>| ()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let response = with_request_checks(router, 4096).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    })
}

fn post_tea(body: &Value) -> (u16, String) {
    let request = Request::post("/tea").header("content-type", "application/json");
    answer(request.body(Body::from(body.to_string())).unwrap())
}

/// Text around a secret that could mislead the parsing of messages.
fn around() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("\", expected ".to_owned()),
        Just("`, expected `".to_owned()),
        Just(" at line 1 column 2".to_owned()),
        Just("unknown field `".to_owned()),
        ".{0,8}",
    ]
}

#[test]
fn the_unmodified_body_is_accepted() {
    assert_eq!(post_tea(&tea()), (200, String::new()));
}

proptest! {
    #[test]
    fn a_value_of_a_body_is_never_repeated(
        field in prop::sample::select(&FIELDS[..]),
        (before, after) in (around(), around()),
        secret in "zq[a-z0-9]{12}",
        shape in 0..4,
    ) {
        let text = json!(format!("{before}{secret}{after}"));
        let value = match shape {
            0 => text,
            1 => json!([text]),
            2 => json!([[text, text], text]),
            _ => json!({"grams": text, "port": 1, "from": text}),
        };
        let mut body = tea();
        *body.pointer_mut(field).unwrap() = value;
        let (status, answer) = post_tea(&body);
        prop_assert_eq!(status, 400);
        prop_assert!(!answer.contains(&secret), "{}", answer);
    }

    #[test]
    fn a_number_of_a_body_is_never_repeated(
        field in prop::sample::select(&FIELDS[..]),
        number in prop_oneof![7_000_001..=7_999_999_i64, -7_999_999..=-7_000_001_i64],
        scale in prop::sample::select(&[1.0, 0.5][..]),
    ) {
        let mut body = tea();
        #[expect(clippy::cast_precision_loss, reason = "seven digits fit")]
        let value = if scale < 1.0 { json!(number as f64 * scale) } else { json!(number) };
        *body.pointer_mut(field).unwrap() = value.clone();
        let (_, answer) = post_tea(&body);
        prop_assert!(!answer.contains(&value.to_string()), "{}", answer);
    }

    #[test]
    fn a_value_of_a_query_is_never_repeated(
        name in prop::sample::select(&["cups", "kind", "sweet"][..]),
        secret in "zq[a-z0-9]{12}",
        after in prop::sample::select(&["", "%60,%20expected%20%60", "%22,+expected+"][..]),
    ) {
        let request = Request::get(format!("/tea?{name}={secret}{after}")).body(Body::empty()).unwrap();
        let (status, answer) = answer(request);
        prop_assert_eq!(status, 400);
        prop_assert!(answer.contains(name) && !answer.contains(&secret), "{}", answer);
    }
}

#[test]
fn unknown_fields_are_named_and_long_names_are_shortened() {
    let named = |name: &str| {
        let mut body = tea();
        body[name] = json!("value");
        post_tea(&body).1
    };
    assert!(named("sugar").contains("unknown field `sugar`"), "{}", named("sugar"));
    let long = "x".repeat(65);
    assert!(named(&long).contains(&format!("\"/{}…\"", &long[1..])), "{}", named(&long));
    assert!(!named(&long).contains(&long));
    let response = answer(Request::get(format!("/tea?{long}=1")).body(Body::empty()).unwrap()).1;
    assert!(response.contains(&long[1..]) && !response.contains(&long), "{response}");
}
