//! Lambda event of a request to a REST API (Lambda proxy integration, payload format 1.0).

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

use super::routes::RouteMatch;
use crate::ACCOUNT_ID;

/// Time format of access logs: `22/Nov/2026:20:00:00 +0000`.
pub(super) const REQUEST_TIME: StaticFormatDescription =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

/// Values by name, in the order of the request.
type MultiValues = BTreeMap<String, Vec<String>>;

/// Builds the event of a request to the matched route. Absent parts are null.
pub(super) fn event(found: &RouteMatch<'_>, parts: &Parts, body: &Bytes, client: SocketAddr) -> Value {
    let headers = headers(&parts.headers);
    let query = query(parts.uri.query().unwrap_or_default());
    let (body, is_base64) = match std::str::from_utf8(body) {
        Ok("") => (Value::Null, false),
        Ok(text) => (text.into(), false),
        Err(_) => (STANDARD.encode(body).into(), true),
    };
    let route = found.route;
    let now = OffsetDateTime::now_utc();
    json!({
        "resource": route.path,
        "path": found.path,
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
            "path": parts.uri.path(),
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

pub(super) fn headers(headers: &HeaderMap) -> MultiValues {
    let mut all = MultiValues::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        all.entry(name.as_str().to_owned()).or_default().push(value);
    }
    all
}

pub(super) fn query(query: &str) -> MultiValues {
    let mut all = MultiValues::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        all.entry(decode(name)).or_default().push(decode(value));
    }
    all
}

/// Percent-decodes a query component, in which `+` is a space.
fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn null_if_empty(all: &MultiValues) -> Value {
    if all.is_empty() { Value::Null } else { json!(all) }
}

fn last_values(all: &MultiValues) -> Value {
    if all.is_empty() {
        return Value::Null;
    }
    all.iter().map(|(name, values)| (name.clone(), json!(values.last()))).collect::<serde_json::Map<_, _>>().into()
}
