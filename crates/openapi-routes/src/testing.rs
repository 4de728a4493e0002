//! Comparison of a router's responses with its description, for tests of functions.
//!
//! End-to-end tests compare responses with the generated documents, where one status stands for several problems. Here
//! each problem is compared with its own type.

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode};
use http_problems::{ProblemType, TYPES};
use serde_json::Value;
use tower::ServiceExt;
use uri_paths::matches_template;

use crate::{Description, Operation};

/// Headers that every response may have, since they describe its body.
const HEADERS_OF_BODIES: [&str; 2] = ["content-type", "content-length"];
/// Members that every problem may have.
const MEMBERS_OF_PROBLEMS: [&str; 6] = ["type", "title", "status", "detail", "instance", "errors"];

/// A response of a router.
#[derive(Debug, Clone)]
pub struct Response {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body; `null` if it is not JSON.
    pub body: Value,
}

/// Asserts that a response is a problem of the type `name` with this status.
///
/// # Panics
///
/// If it is not.
#[track_caller]
pub fn assert_problem(response: &Response, status: StatusCode, name: &str) {
    let Response { headers, body, .. } = response;
    let expected = format!("{TYPES}{name}");
    assert_eq!((response.status, body["type"].as_str()), (status, Some(expected.as_str())), "{body}");
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(body["status"], status.as_u16());
}

/// Sends a request to a router and asserts that the response is documented.
///
/// # Panics
///
/// If the response is not documented or its body cannot be read.
pub async fn send(router: &Router, description: &Description, request: Request<Body>) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let Ok(response) = router.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let response = Response { status: parts.status, headers: parts.headers, body };
    assert_eq!(description.violation(&method, &path, &response), None);
    response
}

impl Description {
    /// Returns how a response differs from the documentation of its operation: an unlisted status, problem type, header
    /// or problem member, or a missing header. `None` if there is no difference or no such operation.
    pub fn violation(&self, method: &Method, path: &str, response: &Response) -> Option<String> {
        let matches = |known: &&Operation| known.method == *method && matches_template(known.path, path);
        let operation = self.operations().iter().find(matches)?;
        let Response { status, body, headers } = response;
        let violation = match body["type"].as_str().and_then(|uri| uri.strip_prefix(TYPES)) {
            Some(name) => problem_violation(operation, name, response),
            None => match operation.doc.answers.iter().find(|answer| answer.status == *status) {
                Some(answer) => {
                    let listed = answer.headers.iter().map(|header| (header.name, header.required));
                    header_violation(&listed.collect::<Vec<_>>(), headers)
                }
                None => Some("the status is not listed".to_owned()),
            },
        };
        violation.map(|violation| format!("{} responded {status} {body}: {violation}", operation.doc.id))
    }
}

fn problem_violation(operation: &Operation, name: &str, response: &Response) -> Option<String> {
    let Some(problem_type) = operation.problems.iter().find(|listed| listed.name() == name) else {
        return Some("the problem type is not listed".to_owned());
    };
    if problem_type.status() != response.status {
        return Some(format!("the problem type has the status {}", problem_type.status()));
    }
    let headers: Vec<_> = problem_type.headers().iter().map(|header| (header.name, header.required)).collect();
    header_violation(&headers, &response.headers).or_else(|| member_violation(*problem_type, &response.body))
}

/// Returns a header that is present but not listed, or required but missing.
fn header_violation(listed: &[(&str, bool)], headers: &HeaderMap) -> Option<String> {
    let unlisted = headers.keys().find(|name| {
        let name = name.as_str();
        !HEADERS_OF_BODIES.contains(&name) && !listed.iter().any(|(known, _)| *known == name)
    });
    let missing = listed.iter().find(|(name, required)| *required && !headers.contains_key(*name));
    let unlisted = unlisted.map(|name| format!("the header {name} is not listed"));
    unlisted.or_else(|| missing.map(|(name, _)| format!("the header {name} is missing")))
}

fn member_violation(problem_type: ProblemType, body: &Value) -> Option<String> {
    let known = |name: &str| {
        MEMBERS_OF_PROBLEMS.contains(&name) || problem_type.members().iter().any(|member| member.name == name)
    };
    let found = body.as_object().into_iter().flatten().find(|(name, _)| !known(name));
    found.map(|(name, _)| format!("the member {name} is not listed"))
}
