//! Lambda's Runtime API, as far as one sandbox needs it.

use std::future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{Mutex, Notify};

/// Hands out events one by one, and hears what comes of them.
pub(super) struct RuntimeApi {
    address: SocketAddr,
    asked: Arc<Notify>,
    events: Sender<String>,
    answers: Mutex<Receiver<Value>>,
}

#[derive(Clone)]
struct Shared {
    asked: Arc<Notify>,
    events: Arc<Mutex<Receiver<String>>>,
    answers: Sender<Value>,
}

impl RuntimeApi {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Notify>::default();
        let (events, to_hand_out) = mpsc::channel(1);
        let (heard, answers) = mpsc::channel(1);
        let shared = Shared { asked: asked.clone(), events: Arc::new(Mutex::new(to_hand_out)), answers: heard };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(response))
            .with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, asked, events, answers: Mutex::new(answers) }
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Once the function has asked for an event.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// What the function answers to this event.
    pub(super) async fn invoke(&self, event: &Value) -> Value {
        self.events.send(event.to_string()).await.unwrap();
        self.answers.lock().await.recv().await.unwrap()
    }
}

async fn next(State(shared): State<Shared>) -> impl IntoResponse {
    shared.asked.notify_one();
    let Some(event) = shared.events.lock().await.recv().await else {
        // The test is over.
        return future::pending().await;
    };
    let deadline_ms = payment_events::Timestamp::now().plus_ms(10_000).unix_ms();
    let headers = [
        ("lambda-runtime-aws-request-id", "request-1".to_owned()),
        ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-central-1:000000000000:function:function".to_owned(),
        ),
    ];
    (headers, event)
}

async fn response(State(shared): State<Shared>, answer: String) {
    shared.answers.send(serde_json::from_str(&answer).unwrap()).await.unwrap();
}
