//! The same route under stages, base paths and custom domains. The events are the [documented samples] of both payload
//! formats, with the paths that AWS sends for each deployment.
//!
//! [documented samples]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

use api_gateway::ClientPath;
use lambda_runtime::Context;
use serde_json::{Value, json};

use super::{headers_of, query_of, seen};

const FORMAT_1_0: &str = include_str!("../events/documented-1.0.json");
const FORMAT_2_0: &str = include_str!("../events/documented-2.0.json");

/// A documented sample with these values, by JSON pointer.
fn sample(event: &str, values: &[(&str, Value)]) -> String {
    let mut event: Value = serde_json::from_str(event).unwrap();
    for (pointer, value) in values {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        event.pointer_mut(parent).unwrap()[name] = value.clone();
    }
    event.to_string()
}

/// An event of a REST API, which has no `version`.
fn rest(resource: &str, sent: &str, path: &str, parameters: Value) -> String {
    let values = [
        ("/resource", resource.into()),
        ("/requestContext/resourcePath", resource.into()),
        ("/requestContext/path", sent.into()),
        ("/requestContext/stage", "dev".into()),
        ("/path", path.into()),
        ("/pathParameters", parameters),
        ("/version", Value::Null),
    ];
    sample(FORMAT_1_0, &values)
}

/// Events of an HTTP API in format 2.0 and in format 1.0.
fn http(route: &str, raw_path: &str, stage: &str, parameters: &Value) -> [String; 2] {
    let key = format!("GET {route}");
    let in_2_0 = [
        ("/routeKey", key.as_str().into()),
        ("/requestContext/routeKey", key.as_str().into()),
        ("/requestContext/stage", stage.into()),
        ("/requestContext/http/path", raw_path.into()),
        ("/rawPath", raw_path.into()),
        ("/pathParameters", parameters.clone()),
    ];
    let in_1_0 = [
        ("/resource", route.into()),
        ("/requestContext/stage", stage.into()),
        ("/requestContext/path", raw_path.into()),
        ("/path", raw_path.into()),
        ("/pathParameters", parameters.clone()),
    ];
    [sample(FORMAT_2_0, &in_2_0), sample(FORMAT_1_0, &in_1_0)]
}

async fn paths(event: &str) -> (String, ClientPath) {
    let (request, _) = seen(event, Context::default()).await;
    (request.uri.path().to_owned(), request.extensions.get::<ClientPath>().unwrap().clone())
}

async fn assert_paths(event: &str, route: &str, client: &str) {
    let expected = ClientPath { path: client.to_owned(), is_unrouted: false };
    assert_eq!(paths(event).await, (route.to_owned(), expected), "{event}");
}

#[tokio::test]
async fn a_rest_api_serves_a_route_under_any_stage_and_base_path() {
    let (payment, id) = ("/payments/{payment_id}", || json!({"payment_id": "pay_1"}));
    for (sent, path) in [
        // Default endpoint.
        ("/dev/payments/pay_1", "/payments/pay_1"),
        // Custom domain: mapped without a base path, with one, with several segments, and without a stage.
        ("/payments/pay_1", "/payments/pay_1"),
        ("/pay/payments/pay_1", "/pay/payments/pay_1"),
        ("/pay/v1/payments/pay_1", "/pay/v1/payments/pay_1"),
        ("/pay/dev/payments/pay_1", "/pay/dev/payments/pay_1"),
        // The base path is also the name of a route's literal, or of a parameter.
        ("/payments/payments/pay_1", "/payments/payments/pay_1"),
        ("/pay_1/payments/pay_1", "/pay_1/payments/pay_1"),
    ] {
        assert_paths(&rest(payment, sent, path, id()), "/payments/pay_1", sent).await;
    }
    let orders = rest("/orders", "/pay/orders", "/pay/orders", Value::Null);
    assert_paths(&orders, "/orders", "/pay/orders").await;
    for (sent, path) in [("/dev", "/"), ("/dev/", "/"), ("/pay", "/pay"), ("/", "/")] {
        assert_paths(&rest("/", sent, path, Value::Null), "/", sent).await;
    }
}

#[tokio::test]
async fn an_http_api_serves_a_route_under_any_stage_and_base_path_in_both_formats() {
    let id = json!({"payment_id": "pay_1"});
    for (raw_path, stage) in [
        ("/payments/pay_1", "$default"),
        ("/v1/payments/pay_1", "$default"),
        ("/dev/payments/pay_1", "dev"),
        ("/pay/dev/payments/pay_1", "dev"),
        // Format 2.0 leaves out the base path of a custom domain, says AWS.
        ("/payments/pay_1", "dev"),
    ] {
        for event in http("/payments/{payment_id}", raw_path, stage, &id) {
            assert_paths(&event, "/payments/pay_1", raw_path).await;
        }
    }
}

#[tokio::test]
async fn a_trailing_slash_is_kept_where_api_gateway_ignores_it() {
    let sent = "/dev/payments/";
    assert_paths(&rest("/payments", sent, "/payments/", Value::Null), "/payments/", sent).await;
    for event in http("/payments", "/v1/payments/", "$default", &Value::Null) {
        assert_paths(&event, "/payments/", "/v1/payments/").await;
    }
}

#[tokio::test]
async fn a_parameter_is_one_segment_that_means_the_same_in_every_format() {
    // As sent in a REST API, and decoded in an HTTP API.
    for (sent, decoded) in [("a%2Fb", "a/b"), ("a%2541", "a%41"), ("a%25", "a%"), ("a%20b%3Fc", "a b?c")] {
        let encoded = format!("/payments/{sent}/refund");
        let template = "/payments/{payment_id}/refund";
        let event = rest(template, &format!("/dev{encoded}"), &encoded, json!({"payment_id": sent}));
        assert_eq!(paths(&event).await.0, encoded, "{event}");
        let raw_path = format!("/payments/{decoded}/refund");
        for event in http(template, &raw_path, "$default", &json!({"payment_id": decoded})) {
            assert_eq!(paths(&event).await.0, encoded, "{event}");
        }
    }
}

#[tokio::test]
async fn a_catch_all_is_no_route_and_its_path_is_whole() {
    let proxy = json!({"proxy": "refunds/r%20x"});
    let event = rest("/{proxy+}", "/pay/refunds/r%20x", "/pay/refunds/r%20x", proxy);
    let client = ClientPath { path: "/pay/refunds/r%20x".to_owned(), is_unrouted: true };
    assert_eq!(paths(&event).await, ("/refunds/r%20x".to_owned(), client));
    // A REST API does not pass the slash at the end of the parameter.
    let event = rest("/files/{proxy+}", "/dev/files/a/b/", "/files/a/b/", json!({"proxy": "a/b"}));
    assert_eq!(paths(&event).await.0, "/files/a/b/");
    for event in http("/files/{proxy+}", "/v1/files/a/b c", "$default", &json!({"proxy": "a/b c"})) {
        let (route, client) = paths(&event).await;
        assert_eq!((route.as_str(), client.is_unrouted), ("/files/a/b%20c", true));
    }
}

#[tokio::test]
async fn without_a_template_only_a_named_stage_is_removed() {
    for (raw_path, stage, route) in [
        ("/my/path", "$default", "/my/path"),
        ("/dev/my/path", "dev", "/my/path"),
        ("/dev", "dev", "/"),
        ("/device/1", "dev", "/device/1"),
        ("/v1/dev/my/path", "dev", "/v1/dev/my/path"),
    ] {
        let values = [("/rawPath", raw_path.into()), ("/requestContext/stage", stage.into())];
        assert_paths(&sample(FORMAT_2_0, &values), route, raw_path).await;
    }
    // A function URL has no stage.
    let url = [("/rawPath", "/my/path".into()), ("/requestContext/stage", Value::Null)];
    assert_paths(&sample(FORMAT_2_0, &url), "/my/path", "/my/path").await;
}

#[tokio::test]
async fn a_path_that_does_not_fit_its_template_is_passed_as_it_is() {
    for (resource, sent, parameters) in
        [("/a/b/c", "/a/b", Value::Null), ("/{proxy+}", "/a/b", Value::Null), ("$default", "/a/b", Value::Null)]
    {
        assert_eq!(paths(&rest(resource, sent, "/a/b", parameters)).await.0, "/a/b");
    }
    for event in http("/payments/{payment_id}", "/a/b", "$default", &Value::Null) {
        assert_eq!(paths(&event).await.0, "/a/b");
    }
}

#[tokio::test]
async fn repeated_headers_are_lines_in_format_1_0_and_joined_in_2_0() {
    let parameters = [("parameter1", "value1"), ("parameter1", "value2"), ("parameter2", "value")];
    for (event, repeated) in [(FORMAT_1_0, json!(["value1", "value2"])), (FORMAT_2_0, json!(["value1,value2"]))] {
        let (request, body) = seen(event, Context::default()).await;
        assert_eq!(request.uri.path(), "/my/path");
        assert_eq!(headers_of(&request, "header1"), json!(["value1"]));
        assert_eq!(headers_of(&request, "header2"), repeated);
        let expected = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(query_of(&request), expected);
        assert!(body.starts_with(b"Hello from Lambda"));
    }
}
