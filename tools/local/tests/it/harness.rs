//! Test harness: an environment of probe functions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use paystream_local::{Environment, EventSourceStatus, Functions, LogSink, Options, RetryDelays};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const POLL: Duration = Duration::from_millis(10);
/// Timeout of a wait, far longer than anything takes. A wait fails only if its condition never becomes true.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// The emulators require a signature, and do not verify it.
pub(crate) const SIGNATURE: &str =
    "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/any/aws4_request, SignedHeaders=host, Signature=0";

pub(crate) struct Probe {
    pub(crate) environment: Environment,
    pub(crate) client: reqwest::Client,
    pub(crate) log: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
    directory: TempDir,
}

/// Returns the probe function's binary. Cargo puts examples beside the directory of the running test.
pub(crate) fn functions() -> Functions {
    let test = std::env::current_exe().unwrap();
    let directory = test.ancestors().nth(2).unwrap();
    let binary = directory.join("examples").join(format!("probe-function{}", std::env::consts::EXE_SUFFIX));
    assert!(binary.is_file(), "{} is not built: cargo build -p paystream-local --examples", binary.display());
    Functions::from_iter([("probe-function".to_owned(), binary)])
}

pub(crate) fn template() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/template.yaml")
}

pub(crate) fn options(directory: &Path, parameters: &[(&str, &str)]) -> Options {
    let directory = [("Directory", directory.to_str().unwrap())];
    let parameters = parameters.iter().copied().chain(directory);
    Options {
        template: template(),
        parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        retry: RetryDelays { first: Duration::from_millis(5), most: Duration::from_millis(20) },
        ..Options::default()
    }
}

/// Records whose handling succeeds immediately.
pub(crate) fn ok(numbers: std::ops::Range<i64>) -> Vec<(i64, &'static str)> {
    numbers.map(|number| (number, "ok")).collect()
}

impl Probe {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(parameters: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = options(directory.path(), parameters);
        Self::start_in(directory, options).await
    }

    pub(crate) async fn start_in(directory: TempDir, options: Options) -> Self {
        let log = std::sync::Arc::<std::sync::Mutex<Vec<String>>>::default();
        let lines = std::sync::Arc::clone(&log);
        let sink = LogSink::new(move |line| lines.lock().unwrap().push(line.to_owned()));
        let environment = Environment::start(Options { log: sink, ..options }, &functions()).await.unwrap();
        Self { environment, client: reqwest::Client::new(), log, directory }
    }

    /// Shuts the environment down, and returns its directory for another one.
    pub(crate) async fn stop(self) -> TempDir {
        self.environment.shutdown().await;
        self.directory
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.environment.url())
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    /// Opens the gate for handlers that wait for it.
    pub(crate) fn open_gate(&self) {
        std::fs::write(self.directory().join("gate"), "").unwrap();
    }

    /// Returns the batches that a function has received.
    pub(crate) fn journal(&self, name: &str) -> Vec<Vec<i64>> {
        let journal = std::fs::read_to_string(self.directory().join(name)).unwrap_or_default();
        // The last line may be incomplete.
        journal.split_inclusive('\n').filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Returns the records that a function has received, in order, without repetitions.
    pub(crate) fn delivered(&self, name: &str) -> Vec<i64> {
        let mut delivered = Vec::new();
        for number in self.journal(name).concat() {
            if !delivered.contains(&number) {
                delivered.push(number);
            }
        }
        delivered
    }

    pub(crate) async fn mapping(&self) -> EventSourceStatus {
        self.event_source("ConsumingWritten").await
    }

    pub(crate) async fn event_source(&self, id: &str) -> EventSourceStatus {
        self.environment.status().await.event_sources[id].clone()
    }

    /// Returns the checkpoint of the stream's first shard.
    pub(crate) async fn position(&self) -> Option<String> {
        self.mapping().await.shards["shardId-000000000000"].position.clone()
    }

    /// Waits until this many records have been handled.
    pub(crate) async fn handled(&self, records: u64) {
        self.eventually("records are handled", async || self.mapping().await.records >= records).await;
    }

    pub(crate) async fn eventually(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let waiting = async {
            while !is_so().await {
                tokio::time::sleep(POLL).await;
            }
        };
        let is_so = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        let (status, log) = (self.environment.status().await, self.log.lock().unwrap().join("\n"));
        assert!(is_so, "never: {what}\n{status:#?}\n{log}");
    }

    /// Writes records to the stream in one call.
    pub(crate) async fn write(&self, records: &[(i64, &str)]) {
        self.write_with_keys(records, |_| "key".to_owned()).await;
    }

    pub(crate) async fn write_with_keys(&self, records: &[(i64, &str)], key: impl Fn(i64) -> String) {
        let record = |&(number, action): &(i64, &str)| {
            let data = STANDARD.encode(json!({"n": number, "do": action}).to_string());
            json!({"Data": data, "PartitionKey": key(number)})
        };
        let records: Vec<Value> = records.iter().map(record).collect();
        let answer = self.kinesis("PutRecords", json!({"StreamName": "ProbeStream", "Records": records})).await;
        assert_eq!(answer["FailedRecordCount"], 0, "{answer}");
    }

    /// Writes one record with any data, and returns its sequence number.
    pub(crate) async fn write_data(&self, data: &str, key: &str) -> String {
        let record = json!({"StreamName": "ProbeStream", "Data": STANDARD.encode(data), "PartitionKey": key});
        self.kinesis("PutRecord", record).await["SequenceNumber"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn kinesis(&self, operation: &str, body: Value) -> Value {
        let target = format!("Kinesis_20131202.{operation}");
        self.call(self.environment.kinesis_url(), &target, "application/x-amz-json-1.1", body).await
    }

    pub(crate) async fn put_item(&self, number: i64, action: &str) {
        let item = json!({"n": {"N": number.to_string()}, "do": {"S": action}});
        let body = json!({"TableName": "ProbeItemsTable", "Item": item});
        self.call(self.environment.dynamodb_url(), "DynamoDB_20120810.PutItem", "application/x-amz-json-1.0", body)
            .await;
    }

    async fn call(&self, url: &str, target: &str, content_type: &str, body: Value) -> Value {
        let request = self.client.post(url).header("x-amz-target", target).header("content-type", content_type);
        let request = request.header("authorization", SIGNATURE).header("x-amz-date", "20260101T000000Z");
        let response = request.body(body.to_string()).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{target}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}
