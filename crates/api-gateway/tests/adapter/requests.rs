//! Requests parsed from real events.

use api_gateway::{Identity, ProxyRequest};
use http::Method;
use http::header::COOKIE;
use lambda_runtime::Context;
use serde_json::{Value, json};

use super::{HTTP_IAM, HTTP_JWT, REST_COGNITO, REST_IAM, headers_of, query_of, seen, with, without};

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn identity(event: &str) -> Option<Identity> {
    seen(event, Context::default()).await.0.extensions.get().cloned()
}

#[tokio::test]
async fn a_rest_apis_event_is_the_request_that_was_sent() {
    let (request, body) = seen(REST_IAM, Context::default()).await;
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.uri.path(), "/payments/pay_3474IU76%20GZUC/refund", "as it was sent, without the stage");
    assert_eq!(query_of(&request), pairs(&[("note", "20% off & more"), ("tag", "één"), ("tag", "zwei")]));
    assert_eq!(headers_of(&request, "x-tag"), json!(["a", "b"]));
    assert_eq!(headers_of(&request, "if-match"), json!(["\"3\""]));
    assert_eq!(headers_of(&request, "host"), json!(["a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"]));
    assert_eq!(request.headers.len(), 13, "each once, whether in headers, multiValueHeaders or both");
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body, json!({"amount": {"minor": 300, "currency": "EUR"}, "reason": "café 🍵"}));
}

#[tokio::test]
async fn an_http_apis_event_is_the_request_that_was_sent() {
    let (request, body) = seen(HTTP_IAM, Context::default()).await;
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.uri.path(), "/payments/pay_3474IU76%20GZUC%3F/refund", "encoded again");
    assert_eq!(request.uri.query(), Some("tag=%C3%A9%C3%A9n&tag=zwei&note=20%25+off"));
    assert_eq!(headers_of(&request, "x-tag"), json!(["a,b"]));
    assert_eq!(request.headers[COOKIE], "session=1; theme=dark");
    assert_eq!(&body[..], [0x00, 0xff, 0x00, 0x80]);
}

#[tokio::test]
async fn members_missing_from_an_event_are_missing_from_its_request() {
    for event in [REST_COGNITO, HTTP_JWT] {
        let (request, body) = seen(event, Context::default()).await;
        assert_eq!(request.method, Method::GET);
        assert_eq!(request.uri, "/orders/ord-42");
        assert!(body.is_empty());
        assert!(!request.headers.contains_key(COOKIE));
    }
}

#[tokio::test]
async fn single_values_are_read_if_the_multi_value_members_are_missing() {
    let event = without(&without(REST_IAM, "/multiValueHeaders"), "/multiValueQueryStringParameters");
    let (request, _) = seen(&event, Context::default()).await;
    assert_eq!(headers_of(&request, "x-tag"), json!(["b"]));
    assert_eq!(query_of(&request), pairs(&[("note", "20% off & more"), ("tag", "zwei")]));
}

#[tokio::test]
async fn an_http_api_may_send_format_1_0_with_its_version() {
    let (request, _) = seen(&with(REST_COGNITO, "/version", "1.0"), Context::default()).await;
    assert_eq!(request.uri, "/orders/ord-42");
}

#[tokio::test]
async fn encodings_in_a_path_are_kept_and_a_stray_percent_sign_is_encoded() {
    let url = with(HTTP_JWT, "/routeKey", "$default");
    let rest = without(&without(REST_COGNITO, "/resource"), "/requestContext/path");
    for (path, target) in [("/a%2Fb%c3", "/a%2Fb%c3"), ("/100%", "/100%25"), ("/%2/%zz/%%41", "/%252/%25zz/%25%41")] {
        assert_eq!(seen(&with(&url, "/rawPath", path), Context::default()).await.0.uri, target);
        assert_eq!(seen(&with(&rest, "/path", path), Context::default()).await.0.uri, target);
    }
}

#[tokio::test]
async fn cookies_that_are_also_in_the_header_are_not_duplicated() {
    let (request, _) = seen(&with(HTTP_IAM, "/headers/cookie", "session=1; theme=dark"), Context::default()).await;
    assert_eq!(headers_of(&request, "cookie"), json!(["session=1; theme=dark"]));
}

#[tokio::test]
async fn the_caller_is_the_iam_principal_or_the_subject_of_the_token() {
    let principal = Identity::Principal("arn:aws:sts::123456789012:assumed-role/checkout/i-1".to_owned());
    assert_eq!(identity(REST_IAM).await, Some(principal.clone()));
    assert_eq!(identity(HTTP_IAM).await, Some(principal));
    let token =
        |subject: &str, scopes: &str| Some(Identity::Token { subject: subject.to_owned(), scopes: scopes.to_owned() });
    assert_eq!(
        identity(REST_COGNITO).await,
        token("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "openid paystream/orders.read")
    );
    assert_eq!(identity(HTTP_JWT).await, token("client-7@clients", "paystream/orders.read paystream/back-office"));
}

#[tokio::test]
async fn scopes_are_those_of_the_token_and_not_those_that_the_route_accepts() {
    let authorizer = "/requestContext/authorizer";
    for (event, pointer) in
        [(REST_COGNITO, format!("{authorizer}/claims")), (HTTP_JWT, format!("{authorizer}/jwt/claims"))]
    {
        let scopes = async |claims: Value| match identity(&with(event, &pointer, claims)).await {
            Some(Identity::Token { scopes, .. }) => scopes,
            other => panic!("{other:?}"),
        };
        assert_eq!(scopes(json!({"sub": "s", "scope": "a b"})).await, "a b");
        assert_eq!(scopes(json!({"sub": "s", "scp": "[a b]"})).await, "a b", "a list, as an HTTP API passes it");
        assert_eq!(scopes(json!({"sub": "s", "scp": "a"})).await, "a");
        assert_eq!(scopes(json!({"sub": "s", "scope": "a", "scp": "[b]"})).await, "a");
        assert_eq!(scopes(json!({"sub": "s", "scope": ["a"]})).await, "");
        assert_eq!(scopes(json!({"sub": "s"})).await, "");
    }
}

#[tokio::test]
async fn a_request_without_an_authorizer_has_no_identity() {
    for event in [REST_COGNITO, HTTP_JWT] {
        assert_eq!(identity(&without(event, "/requestContext/authorizer")).await, None);
        for output in [json!(null), json!({}), json!({"claims": null, "scopes": null})] {
            assert_eq!(identity(&with(event, "/requestContext/authorizer", output.clone())).await, None, "{output}");
        }
    }
}

/// Otherwise it would count as a request without an authorizer, which may access every payment.
#[test]
fn a_caller_that_cannot_be_told_apart_from_others_is_rejected() {
    let claims = json!({"sub": "somebody"});
    let unsupported = "unsupported authorizer";
    for (event, output, reason) in [
        (REST_COGNITO, json!("admin"), unsupported),
        (REST_COGNITO, json!({"principalId": "admin", "integrationLatency": 7}), unsupported),
        (REST_COGNITO, json!({"jwt": {"claims": claims}}), unsupported),
        (REST_COGNITO, json!({"claims": {"sub": 7}}), "the claim sub of the token is missing"),
        (REST_COGNITO, json!({"claims": {"sub": ""}}), "the claim sub of the token is missing"),
        (REST_COGNITO, json!({"claims": "all"}), "the claim sub of the token is missing"),
        (HTTP_JWT, json!({"lambda": {"user": "admin"}}), unsupported),
        (HTTP_JWT, json!({"claims": claims}), unsupported),
        (HTTP_JWT, json!({"iam": {"userArn": {}}}), unsupported),
        (HTTP_JWT, json!({"jwt": {"claims": {"client_id": "7"}}}), "the claim sub of the token is missing"),
    ] {
        let event = with(event, "/requestContext/authorizer", output.clone());
        let error = serde_json::from_str::<ProxyRequest>(&event).unwrap_err().to_string();
        assert!(error.contains(reason), "{output}: {error}");
    }
}

#[tokio::test]
async fn the_trace_header_is_that_of_the_invocation() {
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    for event in [REST_IAM, HTTP_IAM, HTTP_JWT] {
        let mut context = Context::default();
        context.xray_trace_id = Some(trace.to_owned());
        assert_eq!(headers_of(&seen(event, context).await.0, "x-amzn-trace-id"), json!([trace]));
    }
    let sent = headers_of(&seen(REST_IAM, Context::default()).await.0, "x-amzn-trace-id");
    assert_eq!(sent, json!(["Root=1-5759e988-bd862e3fe1be46a994272793"]));
}

#[test]
fn an_invalid_event_is_rejected_with_a_reason_that_repeats_no_value() {
    let cases = [
        (json!({"key1": "value1"}).to_string(), "not an API Gateway event: requestContext is missing"),
        (with(REST_IAM, "/version", "3.0"), "unsupported payload format"),
        (without(REST_IAM, "/httpMethod"), "httpMethod is missing"),
        (without(REST_IAM, "/path"), "path is missing"),
        (
            with(REST_IAM, "/requestContext", json!({"elb": {"targetGroupArn": "arn"}})),
            "requestContext.identity is missing",
        ),
        (without(HTTP_IAM, "/rawPath"), "rawPath is missing"),
        (without(HTTP_IAM, "/requestContext/http"), "requestContext.http.method is missing"),
        (with(REST_IAM, "/httpMethod", "A B"), "method is not a valid HTTP method"),
        (with(REST_IAM, "/httpMethod", ""), "method is not a valid HTTP method"),
        (with(&without(REST_IAM, "/resource"), "/path", "payments"), "must begin with a slash"),
        (
            with(&without(REST_IAM, "/resource"), "/path", format!("/{}", "a".repeat(70_000))),
            "not a valid request target: uri too long",
        ),
        (
            with(REST_IAM, "/multiValueHeaders/a b", json!(["secret"])),
            "header \"a b\" of the event is not a valid HTTP header",
        ),
        (
            with(REST_IAM, "/multiValueHeaders/x", json!(["secret\n"])),
            "header \"x\" of the event is not a valid HTTP header",
        ),
        (
            with(HTTP_IAM, "/cookies", json!(["secret\u{0}"])),
            "header \"cookie\" of the event is not a valid HTTP header",
        ),
        (with(HTTP_IAM, "/body", "secret!"), "body is not valid base64"),
        (with(REST_IAM, "/body", json!({"secret": 1})), "invalid type: map, expected a string"),
        (with(REST_IAM, "/multiValueHeaders/x", "not a list"), "expected a sequence"),
        ("[]".to_owned(), "invalid length 0"),
        ("{".to_owned(), "EOF while parsing"),
    ];
    for (event, reason) in cases {
        let error = serde_json::from_str::<ProxyRequest>(&event).unwrap_err().to_string();
        assert!(error.contains(reason), "{error:?} does not contain {reason:?}");
        assert!(!error.contains("secret"), "{error:?}");
    }
    let many: Vec<_> = (0..40_000).map(|_| "x").collect();
    let error = serde_json::from_str::<ProxyRequest>(&with(REST_IAM, "/multiValueHeaders/x", json!(many)));
    assert!(error.is_ok(), "one name may have any number of values");
    let many: serde_json::Map<_, _> = (0..40_000).map(|n| (format!("x-{n}"), json!(["x"]))).collect();
    let error = serde_json::from_str::<ProxyRequest>(&with(REST_IAM, "/multiValueHeaders", many)).unwrap_err();
    assert!(error.to_string().contains("more headers"), "{error}");
}
