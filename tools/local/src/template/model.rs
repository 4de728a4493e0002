//! Template content that the local environment runs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::filters::Filters;

/// A function, as declared.
#[derive(Debug, Clone)]
pub(crate) struct FunctionSpec {
    pub(crate) logical_id: String,
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub(crate) name: String,
    /// Name of the binary and of its cargo package: the last part of `CodeUri`.
    pub(crate) binary: String,
    pub(crate) handler: String,
    pub(crate) memory_mb: i64,
    pub(crate) timeout: Duration,
    /// `ReservedConcurrentExecutions`.
    pub(crate) concurrency_max: Option<usize>,
    pub(crate) variables: BTreeMap<String, String>,
}

/// A route of an API and its function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// `GET`, or `ANY` for every method.
    pub method: String,
    /// Path as in the template: `/orders/{order_id}`.
    pub path: String,
    /// Logical id of the function.
    pub function: String,
    /// Logical id of the API.
    pub api: String,
    /// Stage of the API.
    pub stage: String,
    /// Payload format of the function's event and response.
    pub format: PayloadFormat,
}

/// API Gateway's payload format, for events and responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PayloadFormat {
    /// Format of REST APIs.
    #[serde(rename = "1.0")]
    V1,
    /// Format of HTTP APIs.
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

/// Resources that functions refer to.
#[derive(Debug, Default)]
pub(super) struct ReferencedResources {
    /// APIs by name.
    pub(super) apis: BTreeMap<String, ApiSpec>,
    /// ARN of each consumer, with the ARN of the stream that it reads.
    pub(super) consumers: BTreeMap<String, String>,
}

impl Route {
    /// Method and path: `GET /orders/{order_id}`.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Source of an event source mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MappingSource {
    /// A Kinesis stream, by name.
    Kinesis(String),
    /// The stream of a DynamoDB table, by the table's name.
    Table(String),
    /// A topic of a Kafka cluster.
    Kafka(KafkaSource),
    /// A queue of a `RabbitMQ` broker.
    RabbitMq(RabbitMqSource),
}

/// Topic of a Kafka mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KafkaSource {
    /// ARN of the MSK cluster; `None` for a self-managed cluster.
    pub(crate) cluster_arn: Option<String>,
    /// `HOST:PORT,…` of a self-managed cluster, as declared; empty for an MSK cluster.
    pub(crate) bootstrap_servers: String,
    pub(crate) topic: String,
    /// `ConsumerGroupId`, by default the id of the mapping.
    pub(crate) consumer_group: String,
}

/// Queue of an Amazon MQ mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RabbitMqSource {
    pub(crate) broker_arn: String,
    pub(crate) queue: String,
    pub(crate) virtual_host: String,
    /// ARN of the secret with the broker's credentials.
    pub(crate) secret_arn: String,
}

/// Starting position of an event source mapping that has no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartingPosition {
    TrimHorizon,
    Latest,
    /// At the first record that arrived at or after this time, counted from 1970. Not for table streams.
    AtTimestamp(Duration),
}

/// An event source mapping, with AWS's defaults filled in.
#[derive(Debug, Clone)]
pub(crate) struct MappingSpec {
    /// Logical id. SAM generates `<function's logical id><event's name>` for a stream event of a function.
    pub(crate) id: String,
    pub(crate) line: usize,
    /// Logical id of the function.
    pub(crate) function: String,
    pub(crate) source: MappingSource,
    pub(crate) starting_position: StartingPosition,
    pub(crate) batch_size: usize,
    pub(crate) batching_window: Duration,
    /// Maximum number of concurrent batches of a shard.
    pub(crate) parallelization_factor: usize,
    pub(crate) filters: Filters,
    pub(crate) bisect: bool,
    /// `None` means no limit.
    pub(crate) retries_max: Option<u32>,
    /// `None` means no limit.
    pub(crate) record_age_max: Option<Duration>,
    pub(crate) reports_item_failures: bool,
    /// Name of the bucket that is the on-failure destination.
    pub(crate) on_failure: Option<String>,
    pub(crate) enabled: bool,
}

/// A table, as the JSON requests that create it.
#[derive(Debug, Clone)]
pub(crate) struct TableSpec {
    pub(crate) logical_id: String,
    pub(crate) name: String,
    pub(crate) line: usize,
    /// `CreateTable` request.
    pub(crate) create: serde_json::Value,
    /// `UpdateTimeToLive` request.
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

/// A resource or property that deploys but has no effect locally.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Logical id of the resource.
    pub resource: String,
    /// The property, or `None` if the whole resource is ignored.
    pub property: Option<String>,
    /// Reason for ignoring it.
    pub reason: String,
}
