//! The Lambda Runtime API of one process: hands out what there is to do, keeps the answers, and tells when nothing is left.

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

/// What each invocation is given, as the functions' margins are kept of it: long enough under `valgrind`.
const TIMEOUT: Duration = Duration::from_mins(15);

/// A process that has asked for work when there was none. Dropping this tells it so, which ends it.
#[derive(Debug)]
pub struct Idle {
    /// When its question arrived.
    pub asked: Instant,
    event: oneshot::Sender<Bytes>,
}

impl Idle {
    /// Hands out an event after all.
    pub fn give(self, event: impl Into<Bytes>) {
        // A process that has ended meanwhile takes none.
        let _ = self.event.send(event.into());
    }
}

/// A Runtime API that whoever knows its address may ask.
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
    /// Listens on a free port of this machine, with these events to hand out.
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

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> &str {
        &self.serving.address
    }

    /// Waits until a process asks for work and there is none.
    pub async fn idle(&mut self) -> Option<Idle> {
        self.idle.recv().await
    }

    /// What was answered so far, or what went wrong, in the order of the events.
    pub fn answers(&self) -> Vec<Result<Bytes, String>> {
        locked(&self.work.answers).clone()
    }
}

async fn next(State(work): State<Arc<Work>>) -> Response {
    let asked = Instant::now();
    let (event, given) = oneshot::channel();
    match locked(&work.waiting).pop_front() {
        Some(waiting) => Idle { asked, event }.give(waiting),
        // Where nobody waits to be told, it is over at once.
        None => drop(work.idle.send(Idle { asked, event })),
    }
    let Ok(event) = given.await else { return StatusCode::GONE.into_response() };
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
