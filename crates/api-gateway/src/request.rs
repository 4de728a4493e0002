//! Conversion of proxy events into requests.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use serde::de::{Deserialize, Deserializer, Error};

use crate::Identity;
use crate::event::{Event, RequestContext, Text};
use crate::path::Paths;
use crate::target::{InvalidTarget, query, target};

/// A request parsed from an API Gateway event of format 1.0 or 2.0.
#[derive(Debug)]
pub struct ProxyRequest {
    pub(crate) request: Request<Body>,
    pub(crate) format: PayloadFormat,
}

/// Payload format of an event and of its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayloadFormat {
    /// `1.0`: REST APIs, and HTTP APIs configured for it.
    V1,
    /// `2.0`: HTTP APIs and function URLs.
    V2,
}

/// Why an event is rejected. Messages repeat names from the event, never values.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidEvent {
    #[error("not an API Gateway event: {0} is missing")]
    Missing(&'static str),
    #[error(
        "unsupported authorizer: use IAM, a Cognito user pool or a JWT authorizer, whose callers the function can tell apart"
    )]
    Authorizer,
    #[error("unsupported payload format: set the integration's payload format version to 1.0 or 2.0")]
    Format,
    #[error("the event's method is not a valid HTTP method")]
    Method,
    #[error("the event's path and query are not a valid request target: {0}")]
    Target(#[from] InvalidTarget),
    #[error("header {0:?} of the event is not a valid HTTP header")]
    Header(String),
    #[error("the event has more headers than a request can hold")]
    TooManyHeaders,
    #[error("the event's body is not valid base64: {0}")]
    Body(#[from] base64::DecodeError),
}

impl<'de> Deserialize<'de> for ProxyRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(Event::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl ProxyRequest {
    fn of(mut event: Event<'_>) -> Result<Self, InvalidEvent> {
        let format = match event.version.as_ref().map(|version| &*version.0) {
            None | Some("1.0") => PayloadFormat::V1,
            Some("2.0") => PayloadFormat::V2,
            Some(_) => return Err(InvalidEvent::Format),
        };
        let context = event.request_context.take().ok_or(InvalidEvent::Missing("requestContext"))?;
        let mut request = Request::new(body(event.body.take(), event.is_base64_encoded)?);
        if let Some(identity) = Identity::of(&context, format)? {
            request.extensions_mut().insert(identity);
        }
        let Head { method, paths, query, headers } = match format {
            PayloadFormat::V1 => Head::v1(event, &context)?,
            PayloadFormat::V2 => Head::v2(event, context)?,
        };
        *request.method_mut() = Method::from_bytes(method.0.as_bytes()).map_err(|_| InvalidEvent::Method)?;
        *request.uri_mut() = target(&paths.route, &query)?;
        request.extensions_mut().insert(paths.client);
        *request.headers_mut() = headers;
        Ok(Self { request, format })
    }
}

/// Request line and headers.
struct Head<'a> {
    method: Text<'a>,
    paths: Paths,
    query: Cow<'a, str>,
    headers: HeaderMap,
}

impl<'a> Head<'a> {
    fn v1(event: Event<'a>, context: &RequestContext<'a>) -> Result<Self, InvalidEvent> {
        let path = event.path.ok_or(InvalidEvent::Missing("path"))?;
        let template = event.resource.as_ref().map(|template| &*template.0);
        let parameters = event.path_parameters.unwrap_or_default();
        let sent = context.path.as_ref().unwrap_or(&path);
        let paths = match event.version {
            None => Paths::of_rest_api(&sent.0, &path.0, template, &parameters),
            Some(_) => Paths::of_http_api(&sent.0, context.stage.as_ref(), template, &parameters),
        };
        let parameters = all_values(event.multi_value_query_string_parameters, event.query_string_parameters);
        Ok(Self {
            method: event.http_method.ok_or(InvalidEvent::Missing("httpMethod"))?,
            paths,
            query: query(&parameters).into(),
            headers: headers(all_values(event.multi_value_headers, event.headers))?,
        })
    }

    fn v2(event: Event<'a>, context: RequestContext<'a>) -> Result<Self, InvalidEvent> {
        let path = event.raw_path.ok_or(InvalidEvent::Missing("rawPath"))?;
        let template = event.route_key.as_ref().and_then(|key| key.0.split_once(' ')).map(|(_, template)| template);
        let parameters = event.path_parameters.unwrap_or_default();
        let mut headers = headers(all_values(None, event.headers))?;
        if let Some(cookies) = event.cookies.filter(|cookies| !cookies.is_empty()) {
            let cookies: Vec<_> = cookies.iter().map(|cookie| &*cookie.0).collect();
            // A function URL also sends them in the `cookie` header.
            headers.remove(COOKIE);
            append(&mut headers, COOKIE.as_str(), &cookies.join("; "))?;
        }
        Ok(Self {
            method: context
                .http
                .and_then(|http| http.method)
                .ok_or(InvalidEvent::Missing("requestContext.http.method"))?,
            paths: Paths::of_http_api(&path.0, context.stage.as_ref(), template, &parameters),
            query: event.raw_query_string.map(|query| query.0).unwrap_or_default(),
            headers,
        })
    }
}

/// Returns all values of each name. `last`, which has only the last value of each, counts if `all` is missing or empty.
fn all_values<'a>(
    all: Option<BTreeMap<Text<'a>, Vec<Text<'a>>>>,
    last: Option<BTreeMap<Text<'a>, Text<'a>>>,
) -> BTreeMap<Text<'a>, Vec<Text<'a>>> {
    all.filter(|all| !all.is_empty()).unwrap_or_else(|| {
        let last = last.unwrap_or_default();
        last.into_iter().map(|(name, value)| (name, vec![value])).collect()
    })
}

fn headers(of_event: BTreeMap<Text<'_>, Vec<Text<'_>>>) -> Result<HeaderMap, InvalidEvent> {
    let mut headers = HeaderMap::new();
    for (name, values) in of_event {
        for value in values {
            append(&mut headers, &name.0, &value.0)?;
        }
    }
    Ok(headers)
}

fn append(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), InvalidEvent> {
    let invalid = || InvalidEvent::Header(name.to_owned());
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid())?;
    headers.try_append(name, value).map_err(|_| InvalidEvent::TooManyHeaders)?;
    Ok(())
}

fn body(body: Option<Text<'_>>, is_base64_encoded: Option<bool>) -> Result<Body, InvalidEvent> {
    let Some(Text(body)) = body else { return Ok(Body::empty()) };
    if is_base64_encoded == Some(true) {
        return Ok(Body::from(STANDARD.decode(&*body)?));
    }
    Ok(Body::from(body.into_owned()))
}
