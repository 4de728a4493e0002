//! `GET /_local/status`: what the environment is doing, for people and for tests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything at one moment. The keys of every map are logical ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Where the APIs are served.
    pub url: String,
    /// The endpoint of Kinesis, for `AWS_ENDPOINT_URL_KINESIS`.
    pub kinesis_url: String,
    /// The endpoint of DynamoDB, for `AWS_ENDPOINT_URL_DYNAMODB`.
    pub dynamodb_url: String,
    /// The functions.
    pub functions: BTreeMap<String, FunctionStatus>,
    /// The event source mappings; their keys are `<function>/<event>`.
    pub event_sources: BTreeMap<String, EventSourceStatus>,
    /// The Kinesis streams.
    pub streams: BTreeMap<String, StreamStatus>,
    /// The tables.
    pub tables: BTreeMap<String, TableStatus>,
}

/// A function and its sandboxes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionStatus {
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub name: String,
    /// The binary that runs.
    pub binary: String,
    /// Processes that are running.
    pub sandboxes: usize,
    /// Processes that are working on an invocation.
    pub busy: usize,
    /// Invocations begun.
    pub invocations: u64,
    /// Invocations that failed, whether the function said so, timed out or crashed.
    pub errors: u64,
    /// Invocations refused because every sandbox was busy.
    pub throttles: u64,
    /// Processes started, whether they came up or not.
    pub cold_starts: u64,
}

/// An event source mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSourceStatus {
    /// The logical id of the function.
    pub function: String,
    /// The ARN of the stream.
    pub stream_arn: String,
    /// Whether it reads at all.
    pub enabled: bool,
    /// Records that the function has handled.
    pub records: u64,
    /// Times the function was invoked.
    pub batches: u64,
    /// Of these, again with records that it had been given before.
    pub retries: u64,
    /// Of these, ended in an error or with item failures.
    pub failures: u64,
    /// Records given up: out of attempts, or too old.
    pub given_up: u64,
    /// Records passed over: no filter let them pass, or they are from before the timestamp that the mapping starts at.
    pub filtered: u64,
    /// By shard id.
    pub shards: BTreeMap<String, ShardStatus>,
}

/// How far one shard has been read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardStatus {
    /// The sequence number of the last record that is done with; the next batch begins after it.
    pub position: Option<String>,
    /// The shard is closed and read to its end.
    pub is_finished: bool,
}

/// A Kinesis stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamStatus {
    /// Its physical name.
    pub name: String,
    /// All its shards, open or closed.
    pub shards: usize,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableStatus {
    /// Its physical name.
    pub name: String,
    /// How many items it holds.
    pub items: Option<u64>,
}
