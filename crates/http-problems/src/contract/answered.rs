//! Holding what a router answers to what its description says, for the tests of functions.
//!
//! The documents that are made of descriptions are held to what is answered end to end; there, one status stands for several
//! problems. Here each problem is held to its own kind.

use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use super::{Description, Operation};
use crate::ProblemKind;

/// Headers that every answer may have, which are about its body.
const OF_EVERY_ANSWER: [&str; 2] = ["content-type", "content-length"];
/// Members that every problem may have.
const OF_EVERY_PROBLEM: [&str; 6] = ["type", "title", "status", "detail", "instance", "errors"];

/// What was answered to what.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The request's path.
    pub path: &'a str,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a Value,
}

impl Description {
    /// What of an answer is not said of its operation: its status, the type of its problem, a header, a member of a problem; or
    /// what is said to be there always and is missing. Nothing, where there is no such operation.
    pub fn breach(&self, answered: Answered<'_>) -> Option<String> {
        let Answered { method, path, status, body, .. } = answered;
        let operation = self.operations().iter().find(|known| known.method == *method && matches(known.path, path))?;
        let id = operation.about.id;
        let told = match body["type"].as_str().and_then(|kind| kind.strip_prefix("/problems/")) {
            Some(name) => problem(operation, name, answered),
            None => match operation.about.answers.iter().find(|answer| answer.status == status) {
                Some(answer) => {
                    let headers = answer.headers.iter().map(|header| (header.name, header.required));
                    other_headers(&headers.collect::<Vec<_>>(), answered.headers)
                }
                None => Some("no such answer".to_owned()),
            },
        };
        told.map(|told| format!("{id} answered {status} {body}: {told}"))
    }
}

fn problem(operation: &Operation, name: &str, answered: Answered<'_>) -> Option<String> {
    let Some(kind) = operation.problems.iter().find(|kind| kind.name() == name) else {
        return Some("a problem that it does not list".to_owned());
    };
    if kind.status() != answered.status {
        return Some(format!("the problem has the status {}", kind.status()));
    }
    let headers: Vec<_> = kind.headers().iter().map(|header| (header.name, header.required)).collect();
    other_headers(&headers, answered.headers).or_else(|| other_members(*kind, answered.body))
}

/// A header that is there and not listed, or the other way round.
fn other_headers(listed: &[(&str, bool)], headers: &HeaderMap) -> Option<String> {
    let unlisted = headers.keys().find(|name| {
        let name = name.as_str();
        !OF_EVERY_ANSWER.contains(&name) && !listed.iter().any(|(known, _)| *known == name)
    });
    let missing = listed.iter().find(|(name, required)| *required && !headers.contains_key(*name));
    let unlisted = unlisted.map(|name| format!("the header {name} is not listed"));
    unlisted.or_else(|| missing.map(|(name, _)| format!("the header {name} is missing")))
}

fn other_members(kind: ProblemKind, body: &Value) -> Option<String> {
    let known =
        |name: &str| OF_EVERY_PROBLEM.contains(&name) || kind.members().iter().any(|member| member.name == name);
    let found = body.as_object().into_iter().flatten().find(|(name, _)| !known(name));
    found.map(|(name, _)| format!("the member {name} is not listed"))
}

/// Whether a path is one of those that a route with parameters in braces stands for.
fn matches(route: &str, path: &str) -> bool {
    let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
    let fits = |(expected, found): (&&str, &&str)| expected == found || expected.starts_with('{') && !found.is_empty();
    route.len() == path.len() && route.iter().zip(&path).all(fits)
}
