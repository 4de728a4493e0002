//! Lambda event of a request to an HTTP API (payload format 2.0).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, COOKIE};
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::rest_api::{self, REQUEST_TIME, query};
use super::routes::RouteMatch;
use crate::ACCOUNT_ID;

/// Content types besides `text/*` whose bodies are passed as text. All others are base64-encoded.
const TEXT_TYPES: [&str; 3] = ["application/json", "application/javascript", "application/xml"];

/// Builds the event of a request to the matched route. Absent parts are omitted.
pub(super) fn event(found: &RouteMatch<'_>, parts: &Parts, body: &Bytes, client: SocketAddr) -> Value {
    let route = found.route;
    let route_key = format!("{} {}", route.method, route.path);
    let path = percent_decode_str(found.path).decode_utf8_lossy();
    // A named stage is part of the path on a custom domain, too.
    let raw_path = if route.stage == "$default" { path.into_owned() } else { format!("/{}{path}", route.stage) };
    let headers = joined(&parts.headers);
    let now = OffsetDateTime::now_utc();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": raw_path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": route.api,
            "stage": route.stage,
            "routeKey": route_key,
            "domainName": headers.get("host"),
            "requestId": Uuid::new_v4().to_string(),
            "time": now.format(REQUEST_TIME).unwrap_or_default(),
            "timeEpoch": i64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default(),
            "http": {
                "method": parts.method.as_str(),
                "path": raw_path,
                "protocol": format!("{:?}", parts.version),
                "sourceIp": client.ip().to_string(),
                "userAgent": headers.get("user-agent"),
            },
        },
        "headers": headers,
        "isBase64Encoded": false,
    });
    let cookies: Vec<_> = parts.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    let cookies: Vec<_> = cookies.iter().flat_map(|cookies| cookies.split("; ")).collect();
    let mut optional = Map::new();
    if !cookies.is_empty() {
        optional.insert("cookies".to_owned(), json!(cookies));
    }
    let parameters = query(parts.uri.query().unwrap_or_default());
    if !parameters.is_empty() {
        let joined: BTreeMap<_, _> = parameters.iter().map(|(name, values)| (name, values.join(","))).collect();
        optional.insert("queryStringParameters".to_owned(), json!(joined));
    }
    if !found.parameters.is_empty() {
        optional.insert("pathParameters".to_owned(), json!(found.parameters));
    }
    if !body.is_empty() {
        let text = std::str::from_utf8(body).ok().filter(|_| is_text(&parts.headers));
        optional.insert("isBase64Encoded".to_owned(), text.is_none().into());
        optional.insert("body".to_owned(), text.map_or_else(|| STANDARD.encode(body), str::to_owned).into());
    }
    if let Some(event) = event.as_object_mut() {
        event.append(&mut optional);
    }
    event
}

/// Returns the headers, with values of the same name joined. Cookies have a field of their own.
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut all = rest_api::headers(headers);
    all.remove(COOKIE.as_str());
    all.into_iter().map(|(name, values)| (name, values.join(","))).collect()
}

fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("text/plain");
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.starts_with("text/") || TEXT_TYPES.contains(&essence.as_str())
}
