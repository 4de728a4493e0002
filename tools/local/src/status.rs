//! Response of `GET /_local/status`: functions, event source mappings, streams and tables.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Status of the environment. Maps are keyed by logical id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Base URL of the APIs.
    pub url: String,
    /// Hub: `Kinesis (embedded)`, or `Kafka at HOST:PORT`.
    pub hub: String,
    /// The endpoint of Kinesis, for `AWS_ENDPOINT_URL_KINESIS`.
    pub kinesis_url: String,
    /// The endpoint of DynamoDB, for `AWS_ENDPOINT_URL_DYNAMODB`.
    pub dynamodb_url: String,
    /// The endpoint of Secrets Manager, for `AWS_ENDPOINT_URL_SECRETS_MANAGER`. It has the credentials of the hub.
    pub secrets_manager_url: String,
    /// Outputs of the template, by name, as a deployed stack has them.
    pub outputs: BTreeMap<String, String>,
    /// Functions.
    pub functions: BTreeMap<String, FunctionStatus>,
    /// Event source mappings, by logical id.
    pub event_sources: BTreeMap<String, EventSourceStatus>,
    /// Kinesis streams.
    pub streams: BTreeMap<String, StreamStatus>,
    /// DynamoDB tables.
    pub tables: BTreeMap<String, TableStatus>,
}

/// Counters of a function and its sandboxes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionStatus {
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub name: String,
    /// Name of its binary.
    pub binary: String,
    /// Running processes.
    pub sandboxes: usize,
    /// Processes that are handling an invocation.
    pub busy: usize,
    /// Invocations started.
    pub invocations: u64,
    /// Invocations that ended in a function error, a timeout or a crash.
    pub errors: u64,
    /// Invocations throttled: concurrency and queue exhausted, a reserved concurrency of 0, or an injected fault.
    pub throttles: u64,
    /// Processes started, including failed inits.
    pub cold_starts: u64,
    /// Environment variables of the template.
    pub variables: BTreeMap<String, String>,
}

/// Counters and shard positions of an event source mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSourceStatus {
    /// The logical id of the function.
    pub function: String,
    /// The ARN of the stream, cluster or broker; of a self-managed Kafka cluster, its addresses.
    pub stream_arn: String,
    /// `Enabled` of the mapping.
    pub enabled: bool,
    /// Settings, in the form of Lambda's `GetEventSourceMapping`.
    pub settings: Value,
    /// Records that the function handled.
    pub records: u64,
    /// Invocations with a batch, without throttled ones.
    pub batches: u64,
    /// Of these, further invocations with records of a batch that had been delivered before.
    pub retries: u64,
    /// Of these, invocations that ended in an error or reported item failures.
    pub failures: u64,
    /// Records discarded: out of retries, or over the maximum record age.
    pub given_up: u64,
    /// Records skipped: no filter matched, or they arrived before the starting timestamp of the mapping.
    pub filtered: u64,
    /// Positions by shard id, or by `<topic>-<partition>`.
    pub shards: BTreeMap<String, ShardStatus>,
}

/// Read position of one shard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardStatus {
    /// Checkpoint: sequence number or offset up to which all records are handled, discarded or skipped.
    pub position: Option<String>,
    /// True if the shard is closed and read to its end.
    pub is_finished: bool,
}

/// Status of a Kinesis stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamStatus {
    /// Physical name.
    pub name: String,
    /// Number of shards, open and closed.
    pub shards: usize,
}

/// Status of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableStatus {
    /// Physical name.
    pub name: String,
    /// Number of items; `None` if the emulator cannot tell.
    pub items: Option<u64>,
}
