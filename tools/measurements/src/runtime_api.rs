//! Lambda Runtime API for one process: hands out events, keeps the responses, and reports when no event is left.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::{mpsc, oneshot};

use crate::serving::Serving;

/// Timeout of each invocation, long enough for functions under `valgrind`. They derive their own deadlines from it.
const TIMEOUT: Duration = Duration::from_mins(15);

/// A pending poll for an event when none is left. Dropping it responds 410, which ends the process.
#[derive(Debug)]
pub struct Idle {
    /// Time at which the poll arrived.
    pub asked: Instant,
    event: oneshot::Sender<Bytes>,
}

impl Idle {
    /// Responds to the poll with an event.
    pub fn give(self, event: impl Into<Bytes>) {
        // Fails if the process has ended meanwhile, which is reported elsewhere.
        let _ = self.event.send(event.into());
    }
}

/// A Runtime API, served on loopback.
pub struct RuntimeApi {
    serving: Serving,
    work: Arc<Work>,
    idle: mpsc::UnboundedReceiver<Idle>,
}

#[derive(Debug)]
struct Work {
    waiting: Mutex<VecDeque<Bytes>>,
    answers: Mutex<Vec<Result<Bytes, String>>>,
    idle: mpsc::UnboundedSender<Idle>,
}

impl RuntimeApi {
    /// Listens on a free port of 127.0.0.1, with these events to hand out.
    pub async fn start(events: Vec<Bytes>) -> io::Result<Self> {
        let (sender, idle) = mpsc::unbounded_channel();
        let work = Arc::new(Work { waiting: Mutex::new(events.into()), answers: Mutex::default(), idle: sender });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{request}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{request}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(error))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&work));
        Ok(Self { serving: Serving::start(router, None, || {}).await?, work, idle })
    }

    /// Value for `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> &str {
        &self.serving.address
    }

    /// Waits until a process polls and no event is left.
    pub async fn idle(&mut self) -> Option<Idle> {
        self.idle.recv().await
    }

    /// Responses so far, or errors that the function reported, in the order of the events.
    pub fn answers(&self) -> Vec<Result<Bytes, String>> {
        locked(&self.work.answers).clone()
    }
}

async fn next(State(work): State<Arc<Work>>) -> Response {
    let asked = Instant::now();
    let (event, received) = oneshot::channel();
    match locked(&work.waiting).pop_front() {
        Some(waiting) => Idle { asked, event }.give(waiting),
        // Sending fails only after the `RuntimeApi` was dropped. Then the process gets 410.
        None => drop(work.idle.send(Idle { asked, event })),
    }
    let Ok(event) = received.await else { return StatusCode::GONE.into_response() };
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + TIMEOUT;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:measured".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8".to_owned()),
    ];
    (headers, event).into_response()
}

async fn response(State(work): State<Arc<Work>>, body: Bytes) -> StatusCode {
    locked(&work.answers).push(Ok(body));
    StatusCode::ACCEPTED
}

async fn error(State(work): State<Arc<Work>>, body: Bytes) -> StatusCode {
    locked(&work.answers).push(Err(String::from_utf8_lossy(&body).into_owned()));
    StatusCode::ACCEPTED
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
