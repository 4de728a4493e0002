//! What a template says, as far as the local environment runs it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::filters::Filters;

/// A function as the template declares it.
#[derive(Debug, Clone)]
pub(crate) struct FunctionSpec {
    pub(crate) logical_id: String,
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub(crate) name: String,
    /// The binary, and the cargo package that builds it: the last part of `CodeUri`.
    pub(crate) binary: String,
    pub(crate) handler: String,
    pub(crate) memory_mb: i64,
    pub(crate) timeout: Duration,
    /// `ReservedConcurrentExecutions`.
    pub(crate) concurrency_max: Option<usize>,
    pub(crate) variables: BTreeMap<String, String>,
}

/// One method and path of an API, and the function behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// `GET`, or `ANY` for every method.
    pub method: String,
    /// As in the template: `/orders/{order_id}`.
    pub path: String,
    /// The logical id of the function.
    pub function: String,
    /// The logical id of the API.
    pub api: String,
    /// The stage of that API.
    pub stage: String,
    /// What the function is given, and what it returns.
    pub format: PayloadFormat,
}

/// The form of the event that API Gateway makes of a request, and of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PayloadFormat {
    /// That of REST APIs.
    #[serde(rename = "1.0")]
    V1,
    /// That of HTTP APIs.
    #[serde(rename = "2.0")]
    V2,
}

/// An API, without its routes.
#[derive(Debug, Clone)]
pub(super) struct ApiSpec {
    pub(super) logical_id: String,
    pub(super) stage: String,
    pub(super) format: PayloadFormat,
}

/// What functions refer to by name or ARN, and what is said of it.
#[derive(Debug, Default)]
pub(super) struct ReferencedResources {
    pub(super) apis: BTreeMap<String, ApiSpec>,
    /// The ARN of a consumer, and of the stream that it reads.
    pub(super) consumers: BTreeMap<String, String>,
}

impl Route {
    /// Its method and path in one: `GET /orders/{order_id}`.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Which stream an event source mapping reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StreamReference {
    /// A Kinesis stream, by name.
    Kinesis(String),
    /// The stream of a DynamoDB table, by the table's name.
    Table(String),
}

/// Where a mapping begins when it has no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartingPosition {
    TrimHorizon,
    Latest,
    /// At the first record that arrived at or after this time, counted from 1970. Kinesis only.
    AtTimestamp(Duration),
}

/// An event source mapping, every default filled in as AWS does.
#[derive(Debug, Clone)]
pub(crate) struct MappingSpec {
    /// `<function's logical id>/<event's name>`.
    pub(crate) id: String,
    pub(crate) function: String,
    pub(crate) stream: StreamReference,
    pub(crate) starting_position: StartingPosition,
    pub(crate) batch_size: usize,
    pub(crate) batching_window: Duration,
    /// How many batches of a shard are delivered at once.
    pub(crate) parallelization_factor: usize,
    pub(crate) filters: Filters,
    pub(crate) bisect: bool,
    /// `None`: without limit.
    pub(crate) retries_max: Option<u32>,
    /// `None`: without limit.
    pub(crate) record_age_max: Option<Duration>,
    pub(crate) reports_item_failures: bool,
    /// The name of the bucket that takes what was given up.
    pub(crate) on_failure: Option<String>,
    pub(crate) enabled: bool,
}

/// A table, as the JSON of the calls that make it.
#[derive(Debug, Clone)]
pub(crate) struct TableSpec {
    pub(crate) logical_id: String,
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) create: serde_json::Value,
    pub(crate) time_to_live: Option<serde_json::Value>,
}

/// A Kinesis stream.
#[derive(Debug, Clone)]
pub(crate) struct StreamSpec {
    pub(crate) logical_id: String,
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) shard_count: i64,
}

/// A resource that deploys but is nothing here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The logical id of the resource.
    pub resource: String,
    /// The property, or `None` where the whole resource is left out.
    pub property: Option<String>,
    /// Why it makes no difference here.
    pub reason: String,
}
