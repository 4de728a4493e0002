//! Paths of requests: the route's path, for the router, and the path that the client sent.
//!
//! A client's path begins with all that its deployment adds: the stage on the default endpoint, and the base path on a
//! custom domain. The route's path is the rest. It is that of the template which API Gateway has matched, and which its
//! authorizer and policies were evaluated for. So the router cannot serve another route than the authorized one.
//!
//! - REST APIs do not decode a path. The template tells how many of its last segments are the route's. `path` cannot:
//!   it begins with the base path, but not with the stage. A trailing slash is ignored by API Gateway and kept here.
//! - HTTP APIs decode a path, so that `%2F` is indistinguishable from a separator. The route's path is the template
//!   with the values of its parameters, encoded again.
//! - Without a template (`$default`, function URLs), only the stage can be told from the route.
//!
//! Source: [format 1.0 and 2.0](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html),
//! and events that `LocalStack` recorded on AWS ([domains](https://github.com/localstack/localstack/pull/12296)).

use std::collections::BTreeMap;

use uri_paths::{ClientPath, encode_path, encode_segment};

use crate::event::Text;

/// Stage of an HTTP API that is not part of its paths.
const DEFAULT_STAGE: &str = "$default";

/// Paths of one request.
pub(crate) struct Paths {
    /// Percent-encoded path of the route.
    pub(crate) route: String,
    pub(crate) client: ClientPath,
}

type Parameters<'a> = BTreeMap<Text<'a>, Text<'a>>;

impl Paths {
    /// Returns the paths of a request to a REST API. `path` is the route's if the template does not fit `sent`.
    pub(crate) fn of_rest_api(sent: &str, path: &str, template: Option<&str>, parameters: &Parameters<'_>) -> Self {
        let route = template.and_then(|template| last_segments(sent, segments(template, parameters)?));
        Self::new(sent, route.unwrap_or(path).to_owned(), template)
    }

    /// Returns the paths of a request to an HTTP API or a function URL.
    pub(crate) fn of_http_api(
        sent: &str,
        stage: Option<&Text<'_>>,
        template: Option<&str>,
        parameters: &Parameters<'_>,
    ) -> Self {
        let route = template.and_then(|template| {
            let mut route = expand(template, parameters, |value| encode_segment(value).to_string())?;
            // API Gateway ignores a slash after the route. The last parameter may end with one itself.
            if sent.ends_with('/') && !sent.ends_with(&expand(template, parameters, str::to_owned)?) {
                route.push('/');
            }
            Some(route)
        });
        let route = route.unwrap_or_else(|| without_stage(sent, stage).to_owned());
        Self::new(sent, route, template)
    }

    fn new(sent: &str, route: String, template: Option<&str>) -> Self {
        let is_unrouted = template.is_some_and(|template| template.ends_with("+}"));
        Self { route, client: ClientPath { path: encode_path(sent), is_unrouted } }
    }
}

/// Returns the number of segments that a template matched.
fn segments(template: &str, parameters: &Parameters<'_>) -> Option<usize> {
    let mut count = 0_usize;
    for part in template.strip_prefix('/')?.split('/').filter(|part| !part.is_empty()) {
        let of_part = match Part::of(part) {
            Part::Greedy(name) => value(name, parameters)?.split('/').count(),
            Part::Literal(_) | Part::Parameter(_) => 1,
        };
        count = count.checked_add(of_part)?;
    }
    Some(count)
}

/// Returns the last segments of a path, with the slash before them and the slashes after them.
fn last_segments(path: &str, count: usize) -> Option<&str> {
    let Some(others) = count.checked_sub(1) else { return Some("/") };
    let (start, _) = path.trim_end_matches('/').rmatch_indices('/').nth(others)?;
    path.get(start..)
}

/// Returns the template with the encoded segments of its parameters.
fn expand(template: &str, parameters: &Parameters<'_>, encode: fn(&str) -> String) -> Option<String> {
    let mut path = String::with_capacity(template.len());
    for part in template.strip_prefix('/')?.split('/') {
        path.push('/');
        match Part::of(part) {
            Part::Literal(text) => path.push_str(text),
            Part::Parameter(name) => path.push_str(&encode(value(name, parameters)?)),
            Part::Greedy(name) => {
                let segments: Vec<_> = value(name, parameters)?.split('/').map(encode).collect();
                path.push_str(&segments.join("/"));
            }
        }
    }
    Some(path)
}

fn value<'p>(name: &str, parameters: &'p Parameters<'_>) -> Option<&'p str> {
    parameters.iter().find(|(known, _)| known.0 == name).map(|(_, value)| &*value.0)
}

/// Removes the stage, which is the first segment unless it is the default stage or a custom domain stands for it.
fn without_stage<'p>(path: &'p str, stage: Option<&Text<'_>>) -> &'p str {
    let stage = stage.map(|stage| &*stage.0).filter(|stage| *stage != DEFAULT_STAGE);
    match stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage)) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// Part of a template.
enum Part<'a> {
    Literal(&'a str),
    Parameter(&'a str),
    /// Matches the rest of the path.
    Greedy(&'a str),
}

impl<'a> Part<'a> {
    fn of(part: &'a str) -> Self {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => name.strip_suffix('+').map_or(Self::Parameter(name), Self::Greedy),
            None => Self::Literal(part),
        }
    }
}
