//! Property tests: any request reaches the router intact, through either format.

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use lambda_runtime::Context;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

use super::{HTTP_JWT, REST_COGNITO, query_of, seen};

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ -~]{0,12}"]
}

/// Headers whose values HTTP transmits unchanged.
fn any_headers() -> impl Strategy<Value = Vec<(String, Vec<String>)>> {
    let value = "([!-~é☕]([ -~é☕]{0,10}[!-~é☕])?)?";
    btree_map("x-[a-z0-9!#$%&'*+.^_`|~-]{0,8}", vec(value, 1..3), 0..5)
        .prop_map(|headers| headers.into_iter().collect())
}

fn any_query() -> impl Strategy<Value = Vec<(String, Vec<String>)>> {
    btree_map(any_text(), vec(any_text(), 1..3), 0..4).prop_map(|query| query.into_iter().collect())
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![any_text().prop_map(String::into_bytes), vec(any::<u8>(), 0..64)]
}

fn each(names: &[(String, Vec<String>)]) -> Vec<(String, String)> {
    names.iter().flat_map(|(name, values)| values.iter().map(|value| (name.clone(), value.clone()))).collect()
}

fn merge(event: &str, members: Value) -> String {
    let mut event: Value = serde_json::from_str(event).unwrap();
    let Value::Object(members) = members else { panic!() };
    event.as_object_mut().unwrap().extend(members);
    event.to_string()
}

fn receive(event: &str) -> (Parts, Bytes) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(seen(event, Context::default()))
}

/// The event's body members: text if the body is UTF-8, base64 otherwise.
fn body_members(body: &[u8]) -> Value {
    match std::str::from_utf8(body) {
        Ok(text) => json!({"body": text, "isBase64Encoded": false}),
        Err(_) => json!({"body": STANDARD.encode(body), "isBase64Encoded": true}),
    }
}

/// Decodes percent-encoded text.
fn bytes(encoded: &str) -> Vec<u8> {
    percent_decode_str(encoded).collect()
}

proptest! {
    #[test]
    fn any_request_survives_a_rest_api(
        segments in vec(any_text(), 1..4),
        query in any_query(),
        headers in any_headers(),
        body in any_body(),
    ) {
        // As the client sent it: percent-encoded.
        let encoded = segments.iter().map(|segment| utf8_percent_encode(segment, NON_ALPHANUMERIC).to_string());
        let path = encoded.fold(String::new(), |path, segment| format!("{path}/{segment}"));
        let multi = |names: &[(String, Vec<String>)]| names.iter().cloned().collect::<std::collections::BTreeMap<_, _>>();
        let event = merge(REST_COGNITO, json!({
            "path": path,
            "resource": null,
            "multiValueHeaders": multi(&headers),
            "multiValueQueryStringParameters": multi(&query),
            "headers": null,
        }));
        let (request, seen_body) = receive(&merge(&event, body_members(&body)));
        prop_assert_eq!(request.uri.path(), path);
        prop_assert_eq!(query_of(&request), each(&query));
        for (name, values) in &headers {
            let seen: Vec<_> = request.headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
            prop_assert_eq!(seen, values.iter().map(String::as_bytes).collect::<Vec<_>>());
        }
        prop_assert_eq!(&seen_body[..], body);
    }

    #[test]
    fn any_request_survives_an_http_api(
        // A decoded path with a `%` is ambiguous, because it may look like an encoding.
        path in any_text().prop_filter("no percent sign", |path| !path.contains('%')),
        query in any_query(),
        headers in any_headers(),
        cookies in subsequence(vec!["a=1", "b=\"2\"", "c="], 0..=3),
        body in any_body(),
    ) {
        let path = format!("/{path}");
        let raw_query = form_urlencoded::Serializer::new(String::new()).extend_pairs(each(&query)).finish();
        let joined: serde_json::Map<_, _> =
            headers.iter().map(|(name, values)| (name.clone(), json!(values.join(",")))).collect();
        let event = merge(HTTP_JWT, json!({
            "routeKey": "$default", "rawPath": path, "rawQueryString": raw_query, "headers": joined, "cookies": cookies,
        }));
        let (request, seen_body) = receive(&merge(&event, body_members(&body)));
        prop_assert_eq!(bytes(request.uri.path()), path.as_bytes());
        prop_assert_eq!(request.uri.query().unwrap_or_default(), raw_query);
        for (name, values) in &headers {
            let joined = values.join(",");
            prop_assert_eq!(request.headers[name].as_bytes(), joined.as_bytes());
        }
        let seen = request.headers.get("cookie").map(|cookies| cookies.to_str().unwrap().to_owned());
        prop_assert_eq!(seen, Some(cookies.join("; ")).filter(|cookies| !cookies.is_empty()));
        prop_assert_eq!(&seen_body[..], body);
    }

    #[test]
    fn any_path_and_query_form_a_target_and_stay_separate(path in any_text(), query in any_text()) {
        let event = merge(HTTP_JWT, json!({"routeKey": "$default", "rawPath": format!("/{path}"), "rawQueryString": query}));
        let (request, _) = receive(&event);
        prop_assert_eq!(bytes(request.uri.path()), bytes(&format!("/{path}")));
        prop_assert_eq!(bytes(request.uri.query().unwrap_or_default()), bytes(&query));
    }

    #[test]
    fn no_input_panics(event in any::<Vec<u8>>(), text in any_text(), place in 0_usize..10) {
        let _ = serde_json::from_slice::<api_gateway::ProxyRequest>(&event);
        let members = ["version", "httpMethod", "path", "rawPath", "rawQueryString", "body", "headers", "cookies"];
        let member = members.into_iter().chain(["resource", "routeKey"]).nth(place).unwrap();
        for golden in [REST_COGNITO, HTTP_JWT] {
            let event = merge(golden, json!({member: text, "isBase64Encoded": true}));
            let _ = serde_json::from_str::<api_gateway::ProxyRequest>(&event);
        }
    }

    #[test]
    fn a_parameter_is_the_same_segment_in_both_kinds_of_api(value in "[!-~é☕ ]{1,12}", base in "(/[a-z0-9]{1,5}){0,3}") {
        let encoded = utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string();
        let sent = format!("{base}/orders/{encoded}");
        let rest = merge(REST_COGNITO, json!({"path": sent, "requestContext": {"path": sent, "identity": {}}}));
        let http = merge(HTTP_JWT, json!({"rawPath": format!("{base}/orders/{value}"), "pathParameters": {"order_id": value}}));
        for event in [rest, http] {
            let (request, _) = receive(&event);
            let segment = request.uri.path().strip_prefix("/orders/").unwrap();
            prop_assert!(!segment.contains('/'));
            prop_assert_eq!(bytes(segment), value.as_bytes());
        }
    }
}
