//! Components of a running environment, and its own routes: `/_local/status`, `/_local/failures`, fault injection and
//! the API reference.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde_json::json;

use crate::emulators::{DynamoDb, Kinesis};
use crate::event_source::{FailureList, Failures, Mapping};
use crate::faults::{self, Faults};
use crate::lambda::{Endpoints, Lambda};
use crate::reference;
use crate::same_origin::{Guarded, guard};
use crate::status::{Status, StreamStatus, TableStatus};
use crate::template::{StreamSpec, TableSpec};

pub(super) struct Components {
    pub(super) url: String,
    pub(super) hub: String,
    pub(super) endpoints: Endpoints,
    pub(super) lambda: Arc<Lambda>,
    pub(super) mappings: Vec<Mapping>,
    pub(super) faults: Arc<Faults>,
    pub(super) kinesis: Kinesis,
    pub(super) dynamodb: DynamoDb,
    pub(super) failures: Arc<FailureList>,
    pub(super) streams: Vec<StreamSpec>,
    pub(super) tables: Vec<TableSpec>,
    /// Outputs of the template.
    pub(super) outputs: std::collections::BTreeMap<String, String>,
}

pub(super) fn router(components: &Arc<Components>) -> Router {
    let router = Router::new()
        .route("/_local/status", get(status))
        .route("/_local/failures", get(failures))
        .route("/_local/failures/{id}", delete(remove_failure))
        .with_state(Arc::clone(components))
        .merge(faults::router(&components.faults))
        .merge(reference::router());
    guard(router, Guarded::Pages)
}

async fn status(State(components): State<Arc<Components>>) -> Json<Status> {
    Json(components.status().await)
}

async fn failures(State(components): State<Arc<Components>>) -> Json<Failures> {
    Json(components.failures.all())
}

async fn remove_failure(State(components): State<Arc<Components>>, Path(id): Path<String>) -> Response {
    if components.failures.remove(&id) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let message = format!("unknown failed batch {id}: GET /_local/failures lists all, by requestContext.requestId");
    (StatusCode::NOT_FOUND, Json(json!({"message": message}))).into_response()
}

impl Components {
    pub(super) async fn status(&self) -> Status {
        let functions = self.lambda.functions().map(|function| (function.spec.logical_id.clone(), function.status()));
        let event_sources = self.mappings.iter().map(|mapping| (mapping.id().to_owned(), mapping.status()));
        let tables = self.tables.iter().map(|table| {
            let status = TableStatus { name: table.name.clone(), items: self.dynamodb.item_count(&table.name) };
            (table.logical_id.clone(), status)
        });
        let mut status = Status {
            url: self.url.clone(),
            hub: self.hub.clone(),
            kinesis_url: self.endpoints.kinesis.clone(),
            dynamodb_url: self.endpoints.dynamodb.clone(),
            secrets_manager_url: self.endpoints.secrets_manager.clone(),
            outputs: self.outputs.clone(),
            functions: functions.collect(),
            event_sources: event_sources.collect(),
            streams: std::collections::BTreeMap::new(),
            tables: tables.collect(),
        };
        for stream in &self.streams {
            // A test may have deleted the stream.
            let shards = self.kinesis.shards(&stream.name).await.map_or(0, |shards| shards.len());
            let name = stream.name.clone();
            status.streams.insert(stream.logical_id.clone(), StreamStatus { name, shards });
        }
        status
    }
}
