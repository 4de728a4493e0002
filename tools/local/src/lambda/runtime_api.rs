//! The Lambda Runtime API (2018-06-01). Function binaries request the next invocation, and post its response or error.
//! All sandboxes share one listener; each has its own base path.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};

use super::invocation::{Invocation, Reply};
use crate::same_origin::{Guarded, guard};

/// Largest request or response payload of a synchronous invocation.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Channels of the running sandboxes, by sandbox id.
#[derive(Clone)]
pub(super) struct RuntimeApi {
    url: Arc<str>,
    channels: Arc<Mutex<HashMap<String, Arc<Channel>>>>,
}

/// Communication with one sandbox.
pub(super) struct Channel {
    waiting: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    running: Mutex<Option<Running>>,
    is_ready: watch::Sender<bool>,
    init_error: Mutex<Option<String>>,
}

struct Running {
    request_id: String,
    reply: oneshot::Sender<Reply>,
}

impl Channel {
    /// Returns a receiver that becomes true when the sandbox first requests an invocation, after its init.
    pub(super) fn is_ready(&self) -> watch::Receiver<bool> {
        self.is_ready.subscribe()
    }

    /// Returns the error that the sandbox reported for a failed init.
    pub(super) fn init_error(&self) -> Option<String> {
        self.init_error.lock().clone()
    }

    /// Ends the running invocation with a reply. With a `request_id`, only an invocation of that id is ended. Returns
    /// false if no invocation was ended.
    fn end(&self, request_id: Option<&str>, reply: Reply) -> bool {
        let mut running = self.running.lock();
        match running.take_if(|running| request_id.is_none_or(|id| running.request_id == id)) {
            Some(running) => {
                // The receiver is gone after a timeout.
                let _ = running.reply.send(reply);
                true
            }
            None => false,
        }
    }
}

impl RuntimeApi {
    pub(super) fn new(url: &str) -> Self {
        Self { url: url.into(), channels: Arc::default() }
    }

    pub(super) fn router(&self) -> Router {
        let router = Router::new()
            .route("/{sandbox}/2018-06-01/runtime/invocation/next", get(next))
            .route("/{sandbox}/2018-06-01/runtime/invocation/{request}/response", post(response))
            .route("/{sandbox}/2018-06-01/runtime/invocation/{request}/error", post(error))
            .route("/{sandbox}/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::max(PAYLOAD_BYTES_MAX))
            .with_state(self.clone());
        guard(router, Guarded::RuntimeApi)
    }

    /// Opens the channel of a sandbox.
    pub(super) fn open(&self, sandbox: &str) -> (Arc<Channel>, mpsc::Sender<Invocation>) {
        let (sender, receiver) = mpsc::channel(1);
        let channel = Arc::new(Channel {
            waiting: tokio::sync::Mutex::new(receiver),
            running: Mutex::default(),
            is_ready: watch::Sender::new(false),
            init_error: Mutex::default(),
        });
        self.channels.lock().insert(sandbox.to_owned(), Arc::clone(&channel));
        (channel, sender)
    }

    /// Closes the channel of a sandbox.
    pub(super) fn close(&self, sandbox: &str) {
        self.channels.lock().remove(sandbox);
    }

    /// Returns the value of `AWS_LAMBDA_RUNTIME_API` for a sandbox. Because it has a path, it also needs a scheme.
    pub(super) fn endpoint(&self, sandbox: &str) -> String {
        format!("{}/{sandbox}", self.url)
    }

    fn channel(&self, sandbox: &str) -> Option<Arc<Channel>> {
        self.channels.lock().get(sandbox).cloned()
    }
}

/// Returns the next invocation, and waits for it without a timeout.
async fn next(State(api): State<RuntimeApi>, Path(sandbox): Path<String>) -> Response {
    let Some(channel) = api.channel(&sandbox) else { return refusal("unknown sandbox") };
    let message = "the function requested the next invocation without a response to this one".to_owned();
    channel.end(None, Reply::Error { error_type: "Runtime.NoResponse".to_owned(), message });
    channel.is_ready.send_replace(true);
    let Some(invocation) = channel.waiting.lock().await.recv().await else {
        return refusal("the environment is stopping");
    };
    let Invocation { request_id, payload, deadline_ms, trace_id, function_arn, is_received, reply } = invocation;
    is_received.store(true, Ordering::SeqCst);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", request_id.clone()),
        ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", function_arn.to_string()),
        ("lambda-runtime-trace-id", trace_id),
    ];
    *channel.running.lock() = Some(Running { request_id, reply });
    (headers, payload).into_response()
}

async fn response(
    State(api): State<RuntimeApi>,
    Path((sandbox, request)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    end(&api, &sandbox, &request, Reply::Response(body))
}

async fn error(
    State(api): State<RuntimeApi>,
    Path((sandbox, request)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let (error_type, message) = error_of(&body);
    end(&api, &sandbox, &request, Reply::Error { error_type, message })
}

fn end(api: &RuntimeApi, sandbox: &str, request: &str, reply: Reply) -> Response {
    match api.channel(sandbox) {
        Some(channel) if channel.end(Some(request), reply) => accepted(),
        _ => refusal("unknown invocation"),
    }
}

async fn init_error(State(api): State<RuntimeApi>, Path(sandbox): Path<String>, body: Bytes) -> Response {
    let Some(channel) = api.channel(&sandbox) else { return refusal("unknown sandbox") };
    let (error_type, message) = error_of(&body);
    *channel.init_error.lock() = Some(format!("{error_type}: {message}"));
    accepted()
}

/// Returns type and message of `{"errorType": …, "errorMessage": …}`.
fn error_of(body: &[u8]) -> (String, String) {
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| error[key].as_str().unwrap_or("unknown").to_owned();
    (text("errorType"), text("errorMessage"))
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({"status": "OK"}))).into_response()
}

fn refusal(message: &str) -> Response {
    let body = json!({"errorType": "InvalidRequestID", "errorMessage": message});
    (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
}
