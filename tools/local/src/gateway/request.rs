//! The event that API Gateway makes of an HTTP request (REST API, Lambda proxy integration).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use uuid::Uuid;

use super::routes::Found;
use crate::ACCOUNT_ID;

/// As in an access log: `22/Nov/2026:20:00:00 +0000`.
pub(super) const REQUEST_TIME: StaticFormatDescription =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

/// Name to values, in the order they came.
type Multi = BTreeMap<String, Vec<String>>;

/// The event for a request that was found to be of that route.
pub(super) fn event(found: &Found<'_>, parts: &Parts, body: &Bytes, client: SocketAddr) -> Value {
    let headers = headers(&parts.headers);
    let query = query(parts.uri.query().unwrap_or_default());
    let (body, is_base64) = match std::str::from_utf8(body) {
        Ok("") => (Value::Null, false),
        Ok(text) => (text.into(), false),
        Err(_) => (STANDARD.encode(body).into(), true),
    };
    let route = found.route;
    // As it was sent; its parameters, and the path of an HTTP API, are decoded.
    let path = parts.uri.path();
    let now = OffsetDateTime::now_utc();
    json!({
        "resource": route.path,
        "path": path,
        "httpMethod": parts.method.as_str(),
        "headers": last_values(&headers),
        "multiValueHeaders": null_if_empty(&headers),
        "queryStringParameters": last_values(&query),
        "multiValueQueryStringParameters": null_if_empty(&query),
        "pathParameters": if found.parameters.is_empty() { Value::Null } else { json!(found.parameters) },
        "stageVariables": null,
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": route.api,
            "stage": route.stage,
            "resourceId": route.path,
            "resourcePath": route.path,
            "httpMethod": parts.method.as_str(),
            "path": format!("/{}{path}", route.stage),
            "protocol": format!("{:?}", parts.version),
            "requestId": Uuid::new_v4().to_string(),
            "extendedRequestId": Uuid::new_v4().simple().to_string(),
            "requestTime": now.format(REQUEST_TIME).unwrap_or_default(),
            "requestTimeEpoch": i64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default(),
            "domainName": headers.get("host").and_then(|hosts| hosts.last()),
            "identity": {
                "sourceIp": client.ip().to_string(),
                "userAgent": headers.get("user-agent").and_then(|agents| agents.last()),
            },
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

pub(super) fn headers(headers: &HeaderMap) -> Multi {
    let mut all = Multi::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        all.entry(name.as_str().to_owned()).or_default().push(value);
    }
    all
}

pub(super) fn query(query: &str) -> Multi {
    let mut all = Multi::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        all.entry(decode(name)).or_default().push(decode(value));
    }
    all
}

/// In a query, `+` is a space.
fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn null_if_empty(all: &Multi) -> Value {
    if all.is_empty() { Value::Null } else { json!(all) }
}

fn last_values(all: &Multi) -> Value {
    if all.is_empty() {
        return Value::Null;
    }
    all.iter().map(|(name, values)| (name.clone(), json!(values.last()))).collect::<serde_json::Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::routes::Routes;
    use crate::template::{PayloadFormat, Route};

    fn event_of(uri: &str, headers: &[(&str, &str)], body: &'static [u8]) -> Value {
        let routes = Routes::new(&[Route {
            method: "POST".to_owned(),
            path: "/orders/{order_id}".to_owned(),
            function: "OrderApi".to_owned(),
            api: "OrdersApi".to_owned(),
            stage: "dev".to_owned(),
            format: PayloadFormat::V1,
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
    fn the_event_is_that_of_a_rest_api() {
        let event =
            event_of("/orders/a%20b?x=1&x=2+3&y=%26", &[("accept", "a"), ("accept", "b"), ("host", "h")], b"{}");
        assert_eq!(event["resource"], "/orders/{order_id}");
        assert_eq!(event["path"], "/orders/a%20b");
        assert_eq!(event["pathParameters"], json!({"order_id": "a b"}));
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
    fn what_is_not_there_is_null() {
        let event = event_of("/orders/1", &[], b"");
        for key in ["body", "queryStringParameters", "multiValueQueryStringParameters", "headers", "stageVariables"] {
            assert_eq!(event[key], Value::Null, "{key}");
        }
    }

    #[test]
    fn a_body_that_is_no_text_is_base64() {
        let event = event_of("/orders/1", &[], b"\xff\x00");
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
    }
}
