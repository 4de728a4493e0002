//! Routes of the processor's API, and of the stub's own controls.

use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::ledger::Answer;
use crate::misbehaviour::Misbehaviour;
use crate::server::{Request, State};

/// Prefix of the controls, which need no API key.
const CONTROLS: &str = "/_stub/";
/// Maximum number of misbehaviours that wait.
const MISBEHAVIOURS_MAX: usize = 10_000;

/// A response, and the misbehaviour in sending it.
pub(crate) struct Plan {
    pub(crate) answer: Answer,
    pub(crate) misbehaviour: Option<Misbehaviour>,
}

/// Processes a request.
pub(crate) fn plan(state: &mut State, request: &Request, body: &[u8]) -> Plan {
    if let Some(control) = request.path.strip_prefix(CONTROLS) {
        return Plan { answer: control_answer(state, &request.method, control, body), misbehaviour: None };
    }
    let is_authorized = request.bearer.as_ref().is_some_and(|key| state.api_keys.contains(key));
    if !is_authorized {
        return Plan { answer: (401, json!({"error": "unauthorized"})), misbehaviour: None };
    }
    let misbehaviour = state.misbehaviours.pop_front();
    let is_pending = misbehaviour == Some(Misbehaviour::Pending);
    let times = misbehaviour.as_ref().map_or(1, Misbehaviour::times_processed);
    let mut answer = (503, json!({"error": "unavailable"}));
    for _ in 0..times {
        answer = process(state, request, body, is_pending);
    }
    if let (Some(Misbehaviour::Forget), Some(key)) = (&misbehaviour, key_of(request)) {
        state.ledger.forget(key);
    }
    Plan { answer, misbehaviour }
}

fn process(state: &mut State, request: &Request, body: &[u8], is_pending: bool) -> Answer {
    let Some(rest) = request.path.strip_prefix("/authorizations") else { return not_found() };
    let segments: Vec<_> = rest.split('/').skip(1).collect();
    match (&request.method, &*segments) {
        (&Method::POST, []) => match serde_json::from_slice(body) {
            Ok(charge) => state.ledger.authorize(request.idempotency_key.as_deref(), charge, is_pending),
            Err(error) => (400, json!({"error": error.to_string()})),
        },
        (&Method::GET, [key]) => state.ledger.look_up(key),
        (&Method::POST, [key, "void"]) => state.ledger.void(key),
        _ => not_found(),
    }
}

/// Returns the idempotency key that a request names, in its header or its path.
fn key_of(request: &Request) -> Option<&str> {
    request.idempotency_key.as_deref().or_else(|| request.path.split('/').nth(2))
}

fn not_found() -> Answer {
    (StatusCode::NOT_FOUND.as_u16(), json!({"error": "not_found"}))
}

fn control_answer(state: &mut State, method: &Method, control: &str, body: &[u8]) -> Answer {
    match (method, control) {
        (&Method::GET, "charges") => (200, json!(state.ledger.log())),
        (&Method::POST, "misbehaviours") => controlled(body, |more: Vec<Misbehaviour>| {
            let room = MISBEHAVIOURS_MAX.saturating_sub(state.misbehaviours.len());
            state.misbehaviours.extend(more.into_iter().take(room));
            json!({"waiting": state.misbehaviours.len()})
        }),
        (&Method::PUT, "api-keys") => controlled(body, |keys: Vec<String>| {
            state.api_keys = keys;
            json!({"accepted": state.api_keys.len()})
        }),
        _ => (404, json!({"error": "the controls are GET charges, POST misbehaviours and PUT api-keys"})),
    }
}

fn controlled<T: DeserializeOwned>(body: &[u8], set: impl FnOnce(T) -> Value) -> Answer {
    match serde_json::from_slice(body) {
        Ok(value) => (200, set(value)),
        Err(error) => (400, json!({"error": error.to_string()})),
    }
}
