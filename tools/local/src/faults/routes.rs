//! HTTP routes of faults, counted calls and usage: `/_local/faults`, `/_local/calls` and `/_local/usage`.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use super::calls::Calls;
use super::parse::parse;
use super::registry::{FaultId, InjectedFault};
use super::{Faults, InvalidFault};
use crate::usage::Usage;

/// Maximum body size: the maximum number of faults, with room for their messages.
const BODY_BYTES_MAX: usize = 512 * 1024;

/// Returns the routes of an environment's faults.
pub(crate) fn router(faults: &Arc<Faults>) -> Router {
    Router::new()
        .route("/_local/faults", get(list).post(inject).delete(clear))
        .route("/_local/faults/{id}", delete(remove))
        .route("/_local/calls", get(calls).delete(reset_calls))
        .route("/_local/usage", get(usage).delete(reset_usage))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Arc::clone(faults))
}

async fn list(State(faults): State<Arc<Faults>>) -> Json<Vec<InjectedFault>> {
    Json(faults.all())
}

/// Injects one fault or a list. If one is invalid, none is injected.
async fn inject(State(faults): State<Arc<Faults>>, body: Bytes) -> Response {
    match parse(&body).and_then(|wanted| faults.inject(wanted)) {
        Ok(ids) => (StatusCode::CREATED, Json(json!({"ids": ids}))).into_response(),
        Err(invalid) => refusal(&invalid),
    }
}

async fn clear(State(faults): State<Arc<Faults>>) -> StatusCode {
    faults.clear();
    StatusCode::NO_CONTENT
}

async fn remove(State(faults): State<Arc<Faults>>, Path(id): Path<String>) -> Response {
    if id.parse().is_ok_and(|id| faults.remove(FaultId(id))) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let message = format!("unknown fault {id}: GET /_local/faults lists all");
    (StatusCode::NOT_FOUND, Json(json!({"message": message}))).into_response()
}

async fn calls(State(faults): State<Arc<Faults>>) -> Json<Calls> {
    Json(faults.calls())
}

async fn reset_calls(State(faults): State<Arc<Faults>>) -> StatusCode {
    faults.reset_calls();
    StatusCode::NO_CONTENT
}

async fn usage(State(faults): State<Arc<Faults>>) -> Json<Usage> {
    Json(faults.meter().all())
}

async fn reset_usage(State(faults): State<Arc<Faults>>) -> StatusCode {
    faults.meter().reset();
    StatusCode::NO_CONTENT
}

fn refusal(invalid: &InvalidFault) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"message": invalid.to_string()}))).into_response()
}
