//! What real events become.

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
    assert_eq!(request.headers.len(), 13, "each once, whether it is in headers, multiValueHeaders or both");
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
async fn what_is_not_in_an_event_is_not_in_its_request() {
    for event in [REST_COGNITO, HTTP_JWT] {
        let (request, body) = seen(event, Context::default()).await;
        assert_eq!(request.method, Method::GET);
        assert_eq!(request.uri, "/orders/ord-42");
        assert!(body.is_empty());
        assert!(!request.headers.contains_key(COOKIE));
    }
}

#[tokio::test]
async fn what_has_no_lists_of_values_is_read_from_the_single_ones() {
    let event = without(&without(REST_IAM, "/multiValueHeaders"), "/multiValueQueryStringParameters");
    let (request, _) = seen(&event, Context::default()).await;
    assert_eq!(headers_of(&request, "x-tag"), json!(["b"]));
    assert_eq!(query_of(&request), pairs(&[("note", "20% off & more"), ("tag", "zwei")]));
}

#[tokio::test]
async fn an_http_api_may_send_format_1_0_and_says_so() {
    let (request, _) = seen(&with(REST_COGNITO, "/version", "1.0"), Context::default()).await;
    assert_eq!(request.uri, "/orders/ord-42");
}

#[tokio::test]
async fn what_is_encoded_in_a_path_stays_so_and_a_percent_sign_that_begins_no_encoding_is_encoded() {
    for (path, target) in [("/a%2Fb%c3", "/a%2Fb%c3"), ("/100%", "/100%25"), ("/%2/%zz/%%41", "/%252/%25zz/%25%41")] {
        assert_eq!(seen(&with(HTTP_JWT, "/rawPath", path), Context::default()).await.0.uri, target);
        assert_eq!(seen(&with(REST_COGNITO, "/path", path), Context::default()).await.0.uri, target);
    }
}

#[tokio::test]
async fn cookies_that_are_in_their_header_as_well_are_not_doubled() {
    let (request, _) = seen(&with(HTTP_IAM, "/headers/cookie", "session=1; theme=dark"), Context::default()).await;
    assert_eq!(headers_of(&request, "cookie"), json!(["session=1; theme=dark"]));
}

#[tokio::test]
async fn a_stage_is_neither_added_to_a_path_nor_taken_off_it() {
    let event = with(HTTP_JWT, "/requestContext/stage", "prod");
    assert_eq!(seen(&event, Context::default()).await.0.uri, "/orders/ord-42");
    let event = with(&event, "/rawPath", "/prod/orders/ord-42");
    assert_eq!(seen(&event, Context::default()).await.0.uri, "/prod/orders/ord-42");
}

#[tokio::test]
async fn whoever_asks_is_told_by_iam_or_by_a_token() {
    let principal = Identity::Principal("arn:aws:sts::123456789012:assumed-role/checkout/i-1".to_owned());
    assert_eq!(identity(REST_IAM).await, Some(principal.clone()));
    assert_eq!(identity(HTTP_IAM).await, Some(principal));
    let subject = |subject: &str| Some(Identity::Subject(subject.to_owned()));
    assert_eq!(identity(REST_COGNITO).await, subject("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"));
    assert_eq!(identity(HTTP_JWT).await, subject("client-7@clients"));
}

#[tokio::test]
async fn what_an_authorizer_of_ones_own_says_is_nobody_and_harms_nothing() {
    let saying = [
        json!(null),
        json!("admin"),
        json!({"principalId": "admin", "claims": "all", "iam": 1, "jwt": [], "lambda": null}),
        json!({"claims": {"sub": 7}, "iam": {"userArn": {}}, "jwt": {"claims": {"sub": null}}}),
    ];
    for event in [REST_COGNITO, HTTP_JWT] {
        assert_eq!(identity(&without(event, "/requestContext/authorizer")).await, None);
        for said in &saying {
            assert_eq!(identity(&with(event, "/requestContext/authorizer", said.clone())).await, None, "{said}");
        }
    }
}

#[tokio::test]
async fn one_format_says_nothing_about_who_asks_in_the_words_of_the_other() {
    let claims = json!({"sub": "somebody"});
    let event = with(HTTP_JWT, "/requestContext/authorizer", json!({"claims": claims.clone()}));
    assert_eq!(identity(&event).await, None);
    let event = with(REST_COGNITO, "/requestContext/authorizer", json!({"jwt": {"claims": claims}}));
    assert_eq!(identity(&event).await, None);
}

#[tokio::test]
async fn the_trace_is_the_one_of_the_invocation() {
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
fn what_is_no_event_says_why() {
    let cases = [
        (json!({"key1": "value1"}).to_string(), "no event of API Gateway's: it has no requestContext"),
        (with(REST_IAM, "/version", "3.0"), "neither 1.0 nor 2.0"),
        (without(REST_IAM, "/httpMethod"), "it has no httpMethod"),
        (without(REST_IAM, "/path"), "it has no path"),
        (with(REST_IAM, "/requestContext", json!({"elb": {"targetGroupArn": "arn"}})), "no requestContext.identity"),
        (without(HTTP_IAM, "/rawPath"), "it has no rawPath"),
        (without(HTTP_IAM, "/requestContext/http"), "it has no requestContext.http.method"),
        (with(REST_IAM, "/httpMethod", "A B"), "method is none of HTTP"),
        (with(REST_IAM, "/httpMethod", ""), "method is none of HTTP"),
        (with(REST_IAM, "/path", "payments"), "must begin with a slash"),
        (with(REST_IAM, "/path", format!("/{}", "a".repeat(70_000))), "no target of a request: uri too long"),
        (with(REST_IAM, "/multiValueHeaders/a b", json!(["secret"])), "header \"a b\" of the event is none"),
        (with(REST_IAM, "/multiValueHeaders/x", json!(["secret\n"])), "header \"x\" of the event is none"),
        (with(HTTP_IAM, "/cookies", json!(["secret\u{0}"])), "header \"cookie\" of the event is none"),
        (with(HTTP_IAM, "/body", "secret!"), "not the base64 that it says it is"),
        (with(REST_IAM, "/body", json!({"secret": 1})), "invalid type: map, expected a string"),
        (with(REST_IAM, "/multiValueHeaders/x", "not a list"), "expected a sequence"),
        ("[]".to_owned(), "invalid length 0"),
        ("{".to_owned(), "EOF while parsing"),
    ];
    for (event, reason) in cases {
        let error = serde_json::from_str::<ProxyRequest>(&event).unwrap_err().to_string();
        assert!(error.contains(reason), "{reason:?} is not said by {error:?}");
        assert!(!error.contains("secret"), "{error:?}");
    }
    let many: Vec<_> = (0..40_000).map(|_| "x").collect();
    let error = serde_json::from_str::<ProxyRequest>(&with(REST_IAM, "/multiValueHeaders/x", json!(many)));
    assert!(error.is_ok(), "one name may have any number of values");
    let many: serde_json::Map<_, _> = (0..40_000).map(|n| (format!("x-{n}"), json!(["x"]))).collect();
    let error = serde_json::from_str::<ProxyRequest>(&with(REST_IAM, "/multiValueHeaders", many)).unwrap_err();
    assert!(error.to_string().contains("more headers"), "{error}");
}
