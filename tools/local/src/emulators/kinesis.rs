//! Kinesis emulator: crate `ferrokinesis`, with all calls serialised by a mutex.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use ferrokinesis::actions::{Operation, dispatch};
use ferrokinesis::store::{Store, StoreOptions};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};

use super::{EmulatorError, operation_of};

/// Limit of a request body: `PutRecords` accepts 5 MiB of data, which base64 makes a third larger.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Interval at which records past their retention period are removed.
const RETENTION_SWEEP_INTERVAL: Duration = Duration::from_mins(1);
/// Interval at which the status of a stream is polled while it is created or resharded.
const CHANGING_POLL: Duration = Duration::from_millis(1);
/// Maximum number of these polls: 10 s or more.
const CHANGING_POLLS_MAX: u32 = 10_000;

/// Kinesis emulator, with notification of readers.
#[derive(Clone)]
pub(crate) struct Kinesis {
    store: Arc<Store>,
    /// Held during every call. ferrokinesis 0.7 holds a map guard across an await, so a reader that tails a stream
    /// under concurrent writers would otherwise deadlock the process.
    gate: Arc<Mutex<()>>,
    /// Number of successful writes; readers wait for a change instead of polling.
    writes: watch::Sender<u64>,
    /// Number of calls that changed the shards of a stream.
    reshards: watch::Sender<u64>,
}

/// Shard of a stream, as far as readers need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShardInfo {
    pub(crate) id: String,
    pub(crate) parents: Vec<String>,
    /// True if the shard accepts no more records.
    pub(crate) is_closed: bool,
}

impl Kinesis {
    /// Creates the emulator and the router that serves it over HTTP.
    pub(crate) fn new() -> (Self, Router) {
        let options = StoreOptions {
            create_stream_ms: 0,
            delete_stream_ms: 0,
            update_stream_ms: 0,
            shard_limit: u32::MAX,
            // A reader of an idle shard keeps its position in its iterator, which must not expire.
            iterator_ttl_seconds: u64::from(u32::MAX),
            ..StoreOptions::default()
        };
        let (router, store) = ferrokinesis::create_app(options);
        let gate = Arc::new(Mutex::new(()));
        let kinesis =
            Self { store: Arc::new(store), gate, writes: watch::Sender::new(0), reshards: watch::Sender::new(0) };
        let router = router
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .layer(middleware::from_fn_with_state(kinesis.clone(), guard));
        (kinesis, router)
    }

    /// Makes a call in process.
    pub(crate) async fn call(&self, operation: Operation, request: Value) -> Result<Value, EmulatorError> {
        let call = operation.as_str();
        let _guard = self.gate.lock().await;
        let answer = dispatch(&self.store, operation, request).await;
        answer.map(Option::unwrap_or_default).map_err(|error| {
            let reason = error.body.message.unwrap_or(error.body.error_type);
            EmulatorError::new(call, &reason)
        })
    }

    /// Creates a stream and waits until it is active.
    pub(crate) async fn create_stream(&self, name: &str, shard_count: i64) -> Result<(), EmulatorError> {
        self.call(Operation::CreateStream, json!({"StreamName": name, "ShardCount": shard_count})).await?;
        self.wait_until_active(name).await
    }

    /// Waits until a stream is active, after it was created or resharded.
    async fn wait_until_active(&self, name: &str) -> Result<(), EmulatorError> {
        for _ in 0..CHANGING_POLLS_MAX {
            let summary = self.call(Operation::DescribeStreamSummary, json!({"StreamName": name})).await?;
            if summary["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE" {
                return Ok(());
            }
            tokio::time::sleep(CHANGING_POLL).await;
        }
        Err(EmulatorError::new("DescribeStreamSummary", &format!("stream {name} did not become active")))
    }

    /// Removes records past their retention period once a minute; never completes. It replaces the emulator's own task,
    /// which would bypass the gate.
    pub(crate) async fn sweep(self) {
        loop {
            tokio::time::sleep(RETENTION_SWEEP_INTERVAL).await;
            let _guard = self.gate.lock().await;
            ferrokinesis::retention::sweep_once(&self.store).await;
        }
    }

    /// Returns every shard of a stream, in order of creation.
    pub(crate) async fn shards(&self, stream: &str) -> Result<Vec<ShardInfo>, EmulatorError> {
        let answer = self.call(Operation::ListShards, json!({"StreamName": stream})).await?;
        let shards = answer["Shards"].as_array().into_iter().flatten();
        Ok(shards.map(shard_info).collect())
    }

    /// Returns a receiver that changes with every write of records.
    pub(crate) fn writes(&self) -> watch::Receiver<u64> {
        self.writes.subscribe()
    }

    /// Returns a receiver that changes whenever the shards of a stream have changed.
    pub(crate) fn reshards(&self) -> watch::Receiver<u64> {
        self.reshards.subscribe()
    }

    /// Notifies readers after a call. The emulator reshards after it has returned the response, so a reader that is
    /// notified earlier would miss the change. This waits for the stream to be active first, and delays the response
    /// until then.
    async fn notify_readers(&self, operation: &str, request: &[u8]) {
        match operation {
            "PutRecord" | "PutRecords" => self.writes.send_modify(|count| *count += 1),
            "SplitShard" | "MergeShards" | "UpdateShardCount" | "CreateStream" | "DeleteStream" => {
                if let Some(name) = stream_of(request) {
                    // An error here means that the stream was deleted.
                    let _ = self.wait_until_active(&name).await;
                }
                self.reshards.send_modify(|count| *count += 1);
            }
            _ => {}
        }
    }
}

/// Returns the name of the stream in a request, given by name or ARN.
pub(crate) fn stream_of(request: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct StreamParameter {
        #[serde(rename = "StreamName")]
        name: Option<String>,
        #[serde(rename = "StreamARN")]
        arn: Option<String>,
    }
    let stream: StreamParameter = serde_json::from_slice(request).ok()?;
    stream.name.or_else(|| Some(stream.arn?.rsplit('/').next()?.to_owned()))
}

fn shard_info(shard: &Value) -> ShardInfo {
    let parents = ["ParentShardId", "AdjacentParentShardId"];
    ShardInfo {
        id: shard["ShardId"].as_str().unwrap_or_default().to_owned(),
        parents: parents.iter().filter_map(|key| shard[key].as_str().map(str::to_owned)).collect(),
        is_closed: shard["SequenceNumberRange"]["EndingSequenceNumber"].is_string(),
    }
}

/// Middleware of every HTTP call: takes the gate, and notifies readers.
async fn guard(State(kinesis): State<Kinesis>, request: Request, next: Next) -> Response {
    let operation = operation_of(request.headers()).to_owned();
    if operation == "SubscribeToShard" {
        // Its response is a stream of up to five minutes, which would bypass the gate.
        return refusal("SubscribeToShard is not available in the local environment: read with GetRecords");
    }
    let (parts, body) = request.into_parts();
    // Read the whole body before taking the gate, so that a slow sender does not block other calls.
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return refusal("the request body is larger than 10 MiB or incomplete");
    };
    let response = {
        let _guard = kinesis.gate.lock().await;
        next.run(Request::from_parts(parts, Body::from(body.clone()))).await
    };
    if response.status().is_success() {
        kinesis.notify_readers(&operation, &body).await;
    }
    response
}

fn refusal(message: &str) -> Response {
    let body = json!({"__type": "InvalidArgumentException", "message": message}).to_string();
    (StatusCode::BAD_REQUEST, [("content-type", "application/x-amz-json-1.1")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20261122/us-east-1/kinesis/aws4_request, \
         SignedHeaders=host, Signature=0";

    #[tokio::test]
    async fn a_stream_is_active_as_soon_as_it_is_created() {
        let (kinesis, _router) = Kinesis::new();
        kinesis.create_stream("PaymentStream", 3).await.unwrap();
        let put = json!({"StreamName": "PaymentStream", "PartitionKey": "ord-1", "Data": "e30="});
        kinesis.call(Operation::PutRecord, put).await.unwrap();
        let shards = kinesis.shards("PaymentStream").await.unwrap();
        assert_eq!(shards.len(), 3);
        assert!(shards.iter().all(|shard| !shard.is_closed && shard.parents.is_empty()));
    }

    #[tokio::test]
    async fn a_reshard_notification_follows_the_change_of_the_shards() {
        let (kinesis, router) = Kinesis::new();
        kinesis.create_stream("PaymentStream", 1).await.unwrap();
        let mut reshards = kinesis.reshards();
        let shard = kinesis.shards("PaymentStream").await.unwrap().remove(0);
        let split = json!({"StreamName": "PaymentStream", "ShardToSplit": shard.id, "NewStartingHashKey": "1000"});
        let request = Request::post("/").header("x-amz-target", "Kinesis_20131202.SplitShard");
        let request =
            request.header("content-type", "application/x-amz-json-1.1").header("authorization", AUTHORIZATION);
        let request = request.header("x-amz-date", "20261122T200000Z").body(Body::from(split.to_string())).unwrap();
        let answer = tower::ServiceExt::oneshot(router, request).await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        assert!(reshards.has_changed().unwrap());
        reshards.mark_unchanged();
        let shards = kinesis.shards("PaymentStream").await.unwrap();
        assert_eq!(shards.iter().map(|shard| shard.is_closed).collect::<Vec<_>>(), [true, false, false]);
    }

    #[test]
    fn a_request_names_its_stream_or_gives_its_arn() {
        let arn = br#"{"StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/PaymentStream"}"#;
        for request in [&br#"{"StreamName": "PaymentStream"}"#[..], arn] {
            assert_eq!(stream_of(request).as_deref(), Some("PaymentStream"));
        }
        assert_eq!(stream_of(b"\xbf"), None);
    }

    #[tokio::test]
    async fn an_error_has_the_message_of_the_emulator() {
        let (kinesis, _router) = Kinesis::new();
        let error = kinesis.shards("Nothing").await.unwrap_err();
        assert!(error.to_string().starts_with("ListShards: "), "{error}");
        assert!(error.to_string().contains("Nothing"), "{error}");
    }
}
