//! Responses as API Gateway receives them.

use api_gateway::{BODY_BYTES_MAX, InvalidResponse};
use axum::body::Body;
use axum::response::{AppendHeaders, IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use super::{HTTP_JWT, REST_COGNITO, returned};

fn answer() -> Response {
    let headers = AppendHeaders([
        ("content-type", "application/problem+json"),
        ("vary", "accept"),
        ("vary", "origin"),
        ("set-cookie", "a=1, 2"),
        ("set-cookie", "b=2"),
        ("etag", "\"3\""),
    ]);
    (StatusCode::NOT_FOUND, headers, Body::from("{\"é\": 1}")).into_response()
}

#[tokio::test]
async fn a_rest_api_receives_every_value_of_every_header() {
    let returned = returned(REST_COGNITO, answer()).await.unwrap();
    let headers = json!({
        "content-type": ["application/problem+json"], "vary": ["accept", "origin"], "set-cookie": ["a=1, 2", "b=2"],
        "etag": ["\"3\""], "content-length": ["9"],
    });
    let expected =
        json!({"statusCode": 404, "multiValueHeaders": headers, "body": "{\"é\": 1}", "isBase64Encoded": false});
    assert_eq!(returned, expected);
}

#[tokio::test]
async fn an_http_api_receives_joined_headers_and_separate_cookies() {
    let returned = returned(HTTP_JWT, answer()).await.unwrap();
    let headers = json!({
        "content-type": "application/problem+json", "vary": "accept, origin", "etag": "\"3\"", "content-length": "9",
    });
    let expected = json!({
        "statusCode": 404, "headers": headers, "cookies": ["a=1, 2", "b=2"], "body": "{\"é\": 1}",
        "isBase64Encoded": false,
    });
    assert_eq!(returned, expected);
}

#[tokio::test]
async fn a_body_that_is_not_utf8_is_base64_whatever_its_content_type() {
    for event in [REST_COGNITO, HTTP_JWT] {
        let answer = ([("content-type", "text/plain; charset=utf-8")], vec![0x00, 0xff]).into_response();
        let returned = returned(event, answer).await.unwrap();
        assert_eq!((&returned["body"], &returned["isBase64Encoded"]), (&json!("AP8="), &json!(true)));
    }
}

#[tokio::test]
async fn a_response_without_a_body_has_an_empty_one() {
    let returned = returned(REST_COGNITO, StatusCode::NO_CONTENT.into_response()).await.unwrap();
    let headers = json!({"content-length": ["0"]});
    let expected = json!({"statusCode": 204, "multiValueHeaders": headers, "body": "", "isBase64Encoded": false});
    assert_eq!(returned, expected);
}

#[tokio::test]
async fn a_response_that_cannot_be_returned_is_an_error_and_not_a_panic() {
    let name = HeaderName::from_static("x-bytes");
    let answer = ([(name.clone(), HeaderValue::from_bytes(b"\xff").unwrap())], "").into_response();
    let error = returned(REST_COGNITO, answer).await.unwrap_err();
    assert!(matches!(&error, InvalidResponse::Header(of) if *of == name), "{error}");

    let long = Body::from(vec![b'a'; BODY_BYTES_MAX + 1]).into_response();
    let error = returned(REST_COGNITO, long).await.unwrap_err();
    assert!(matches!(error, InvalidResponse::Body(_)), "{error}");
    let longest = Body::from(vec![b'a'; BODY_BYTES_MAX]).into_response();
    assert!(returned(REST_COGNITO, longest).await.is_ok());
}
