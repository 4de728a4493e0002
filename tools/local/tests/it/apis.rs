//! API requests through the gateway to a function.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::Probe;

#[tokio::test]
async fn a_request_reaches_the_function_as_a_rest_api_event() {
    let probe = Probe::start().await;
    let request = probe.client.put(probe.url("/do/echo%20it?a=1&a=2&b=%C3%A9")).header("x-probe", "yes");
    let response = request.body("hello").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers().get_all("x-many").iter().count(), 2);
    let event: Value = response.json().await.unwrap();
    assert_eq!(event["resource"], "/do/{action}");
    assert_eq!(event["path"], "/do/echo%20it");
    assert_eq!(event["httpMethod"], "PUT");
    assert_eq!(event["pathParameters"], json!({"action": "echo%20it"}));
    assert_eq!(event["multiValueQueryStringParameters"], json!({"a": ["1", "2"], "b": ["é"]}));
    assert_eq!(event["headers"]["x-probe"], "yes");
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("hello"), &json!(false)));
    assert_eq!(event["requestContext"]["stage"], "test");
}

#[tokio::test]
async fn binary_bodies_are_returned_unchanged() {
    let probe = Probe::start().await;
    let bytes: Vec<u8> = (0..=255).collect();
    let response = probe.client.post(probe.url("/do/binary")).body(bytes.clone()).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/octet-stream");
    assert_eq!(response.bytes().await.unwrap(), bytes);
}

#[tokio::test]
async fn an_unknown_route_gets_the_response_of_api_gateway() {
    let probe = Probe::start().await;
    for (method, path) in [("GET", "/"), ("GET", "/nothing"), ("POST", "/items/1"), ("GET", "/items")] {
        let response = probe.client.request(method.parse().unwrap(), probe.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 403, "{method} {path}");
        assert_eq!(response.json::<Value>().await.unwrap(), json!({"message": "Missing Authentication Token"}));
    }
    assert_eq!(probe.environment.status().await.functions["Answering"].invocations, 0);
}

#[tokio::test]
async fn a_failure_or_a_malformed_response_is_a_bad_gateway() {
    let probe = Probe::start().await;
    for action in ["fail", "malformed"] {
        let response = probe.get(&format!("/do/{action}")).await;
        assert_eq!(response.status(), 502, "{action}");
        assert_eq!(response.json::<Value>().await.unwrap(), json!({"message": "Internal server error"}));
    }
    let log = probe.log.lock().unwrap().join("\n");
    assert!(log.contains("failure requested by the path") && log.contains("malformed proxy response"), "{log}");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_rejected() {
    let probe = Probe::start().await;
    // Above the limit of API Gateway, and above that of Lambda.
    for megabytes in [11, 7] {
        let body = vec![b'a'; megabytes * 1024 * 1024];
        let response = probe.client.post(probe.url("/do/echo")).body(body).send().await.unwrap();
        assert_eq!(response.status(), 413, "{megabytes} MB");
        assert_eq!(response.json::<Value>().await.unwrap(), json!({"message": "Request Too Long"}));
    }
}

/// Sends a request byte by byte as it is, and closes the sending half of the connection. Returns the response.
async fn send_and_close(probe: &Probe, head: &str, body: &str) -> String {
    let address = probe.url("");
    let address = address.trim_start_matches("http://").trim_end_matches('/');
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("POST /do/echo HTTP/1.1\r\nhost: {address}\r\n{head}\r\n\r\n{body}");
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.shutdown().await.unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn a_truncated_body_is_a_bad_request() {
    let probe = Probe::start().await;
    for (head, body) in [
        ("content-length: 10", "abc"),
        ("transfer-encoding: chunked", "5\r\nabc"),
        ("transfer-encoding: chunked", "zz\r\nabc\r\n0\r\n\r\n"),
    ] {
        let response = send_and_close(&probe, head, body).await;
        assert!(response.starts_with("HTTP/1.1 400 "), "{head}: {response}");
        assert!(response.ends_with(r#"{"message":"Bad Request"}"#), "{head}: {response}");
    }
    assert_eq!(probe.environment.status().await.functions["Answering"].invocations, 0);
    assert_eq!(probe.client.post(probe.url("/do/echo")).body("abc").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_route_is_served_below_its_stage_and_without_it() {
    let probe = Probe::start().await;
    for (sent, path) in [("/test/do/echo", "/do/echo"), ("/do/echo", "/do/echo"), ("/test/do/echo/", "/do/echo/")] {
        let event: Value = probe.get(sent).await.json().await.unwrap();
        assert_eq!((&event["requestContext"]["path"], &event["path"]), (&json!(sent), &json!(path)));
        assert_eq!(event["resource"], "/do/{action}");
    }
}

#[tokio::test]
async fn a_log_line_of_a_function_is_readable_and_has_its_name() {
    let probe = Probe::start().await;
    probe.get("/do/log").await;
    let expected = "20:00:00.123 INFO  probe-function  probed number=7";
    probe
        .eventually("the line is logged", async || probe.log.lock().unwrap().iter().any(|line| line == expected))
        .await;
}
