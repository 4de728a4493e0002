//! Events of REST APIs and HTTP APIs.

use serde_json::{Value, json};

use super::*;

fn event_of(format: PayloadFormat, uri: &str, headers: &[(&str, &str)], body: &'static [u8]) -> Value {
    let stage = if format == PayloadFormat::V1 { "dev" } else { "$default" };
    event_in_stage(stage, format, uri, headers, body)
}

fn event_in_stage(
    stage: &str,
    format: PayloadFormat,
    uri: &str,
    headers: &[(&str, &str)],
    body: &'static [u8],
) -> Value {
    let routes = Routes::new(&[Route {
        method: "POST".to_owned(),
        path: "/orders/{order_id}".to_owned(),
        function: "OrderApi".to_owned(),
        api: "OrdersApi".to_owned(),
        stage: stage.to_owned(),
        format,
    }]);
    let mut request = http::Request::post(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let found = routes.find("POST", parts.uri.path()).unwrap();
    event(&found, &parts, &Bytes::from_static(body), ([127, 0, 0, 1], 5000).into())
}

#[test]
fn a_request_becomes_a_rest_api_event() {
    let event = event_of(
        PayloadFormat::V1,
        "/dev/orders/a%20b?x=1&x=2+3&y=%26",
        &[("accept", "a"), ("accept", "b"), ("host", "h")],
        b"{}",
    );
    assert_eq!(event["resource"], "/orders/{order_id}");
    assert_eq!(event["path"], "/orders/a%20b");
    assert_eq!(event["pathParameters"], json!({"order_id": "a%20b"}));
    assert_eq!(event["queryStringParameters"], json!({"x": "2 3", "y": "&"}));
    assert_eq!(event["multiValueQueryStringParameters"], json!({"x": ["1", "2 3"], "y": ["&"]}));
    assert_eq!(event["headers"], json!({"accept": "b", "host": "h"}));
    assert_eq!(event["multiValueHeaders"], json!({"accept": ["a", "b"], "host": ["h"]}));
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("{}"), &json!(false)));
    let context = &event["requestContext"];
    assert_eq!((&context["stage"], &context["path"]), (&json!("dev"), &json!("/dev/orders/a%20b")));
    assert_eq!((&context["protocol"], &context["identity"]["sourceIp"]), (&json!("HTTP/1.1"), &json!("127.0.0.1")));
}

#[test]
fn the_path_of_the_context_is_the_one_that_the_client_sent() {
    for (sent, path) in [
        ("/dev/orders/1", "/orders/1"),
        ("/orders/1", "/orders/1"),
        ("/dev/orders/1/", "/orders/1/"),
        ("/orders/a%2Fb", "/orders/a%2Fb"),
    ] {
        let event = event_of(PayloadFormat::V1, sent, &[], b"");
        assert_eq!((&event["requestContext"]["path"], &event["path"]), (&json!(sent), &json!(path)));
    }
    for sent in ["/dev/orders/a%20b", "/orders/a%20b"] {
        let event = event_in_stage("dev", PayloadFormat::V2, sent, &[], b"");
        let paths = (&event["rawPath"], &event["requestContext"]["http"]["path"]);
        assert_eq!(paths, (&json!("/dev/orders/a b"), &json!("/dev/orders/a b")));
    }
}

#[test]
fn absent_parts_of_a_rest_api_event_are_null() {
    let event = event_of(PayloadFormat::V1, "/orders/1", &[], b"");
    for key in ["body", "queryStringParameters", "multiValueQueryStringParameters", "headers", "stageVariables"] {
        assert_eq!(event[key], Value::Null, "{key}");
    }
}

#[test]
fn a_body_that_is_not_utf_8_is_base64() {
    let event = event_of(PayloadFormat::V1, "/orders/1", &[], b"\xff\x00");
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
}

#[test]
fn a_request_becomes_an_http_api_event() {
    let headers =
        [("accept", "a"), ("accept", "b"), ("cookie", "c=1; d=2"), ("content-type", "application/json; charset=x")];
    let event = event_of(PayloadFormat::V2, "/orders/ord-1?x=1&x=2+3", &headers, b"{}");
    assert_eq!((&event["version"], &event["routeKey"]), (&json!("2.0"), &json!("POST /orders/{order_id}")));
    assert_eq!((&event["rawPath"], &event["rawQueryString"]), (&json!("/orders/ord-1"), &json!("x=1&x=2+3")));
    assert_eq!(event["pathParameters"], json!({"order_id": "ord-1"}));
    assert_eq!(event["queryStringParameters"], json!({"x": "1,2 3"}));
    assert_eq!(event["headers"], json!({"accept": "a,b", "content-type": "application/json; charset=x"}));
    assert_eq!(event["cookies"], json!(["c=1", "d=2"]));
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("{}"), &json!(false)));
    let http = &event["requestContext"]["http"];
    assert_eq!((&http["method"], &http["path"]), (&json!("POST"), &json!("/orders/ord-1")));
}

#[test]
fn absent_parts_of_an_http_api_event_are_omitted() {
    let event = event_of(PayloadFormat::V2, "/orders/1", &[], b"");
    for key in ["body", "queryStringParameters", "cookies", "stageVariables"] {
        assert!(event.get(key).is_none(), "{key}");
    }
}

#[test]
fn a_body_with_a_binary_content_type_is_base64() {
    let event = event_of(PayloadFormat::V2, "/orders/1", &[("content-type", "application/octet-stream")], b"hi");
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("aGk="), &json!(true)));
}
