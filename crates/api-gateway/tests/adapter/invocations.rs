//! A whole function, run as Lambda runs it: one event at a time over the Runtime API.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::mpsc;

use super::{HTTP_JWT, REST_COGNITO, with, without};

/// Outcome of an invocation: its id, `response` or `error`, and the posted body.
type Outcome = (String, String, Value);

/// Stub of the Lambda Runtime API.
#[derive(Clone)]
struct Lambda {
    /// Events not yet delivered, each with its id; the next one is last.
    events: Arc<Mutex<Vec<(usize, String)>>>,
    outcomes: mpsc::UnboundedSender<Outcome>,
}

async fn next(State(lambda): State<Lambda>) -> Response {
    let event = lambda.events.lock().unwrap().pop();
    let Some((id, event)) = event else { std::future::pending().await };
    let headers = [("lambda-runtime-aws-request-id", id.to_string()), ("lambda-runtime-deadline-ms", "0".to_owned())];
    (headers, event).into_response()
}

async fn outcome(State(lambda): State<Lambda>, Path((id, kind)): Path<(String, String)>, body: String) -> StatusCode {
    lambda.outcomes.send((id, kind, serde_json::from_str(&body).unwrap())).unwrap();
    StatusCode::ACCEPTED
}

/// Runs the example `echo` in one process for all events. Returns the outcomes and the log lines.
async fn invoke(events: &[&str]) -> (Vec<Outcome>, Vec<Value>) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let pending = events.iter().enumerate().rev().map(|(id, event)| (id, (*event).to_owned())).collect();
    let api = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(outcome))
        .with_state(Lambda { events: Arc::new(Mutex::new(pending)), outcomes: sender });
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async { axum::serve(listener, api).await.unwrap() });
    // Cargo puts examples into a sibling of the running test's directory.
    let test = std::env::current_exe().unwrap();
    let examples = test.ancestors().nth(2).unwrap().join("examples");
    let mut function = Command::new(examples.join(format!("echo{}", std::env::consts::EXE_SUFFIX)))
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "echo")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut outcomes = Vec::new();
    while outcomes.len() < events.len() {
        tokio::select! {
            Some(outcome) = receiver.recv() => outcomes.push(outcome),
            ended = function.wait() => panic!("the function ended before the last event: {ended:?}"),
        }
    }
    function.kill().await.unwrap();
    server.abort();
    let mut log = String::new();
    function.stdout.take().unwrap().read_to_string(&mut log).await.unwrap();
    (outcomes, log.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[tokio::test]
async fn a_response_has_the_format_of_its_event_and_log_lines_carry_the_request_id() {
    let anonymous = without(REST_COGNITO, "/requestContext/authorizer");
    let (outcomes, log) = invoke(&[HTTP_JWT, &anonymous]).await;
    let body = "GET /orders/ord-42 by None";
    let headers = json!({"content-type": ["text/plain; charset=utf-8"], "content-length": [body.len().to_string()]});
    let rest = json!({"statusCode": 200, "multiValueHeaders": headers, "body": body, "isBase64Encoded": false});
    let body = r#"GET /orders/ord-42 by Some("client-7@clients")"#;
    let headers = json!({"content-type": "text/plain; charset=utf-8", "content-length": body.len().to_string()});
    let http = json!({"statusCode": 200, "headers": headers, "body": body, "isBase64Encoded": false});
    let response = |id: &str, response| (id.to_owned(), "response".to_owned(), response);
    assert_eq!(outcomes, [response("0", http), response("1", rest)]);
    let logged: Vec<_> = log.iter().map(|line| (&line["message"], &line["spans"][0]["requestId"])).collect();
    assert_eq!(logged, [(&json!("served a request without an identity"), &json!("1"))], "{log:?}");
}

#[tokio::test]
async fn an_invalid_event_fails_its_invocation_and_the_next_one_is_served() {
    let unsupported = with(REST_COGNITO, "/version", "3.0");
    let (outcomes, log) = invoke(&[r#"{"key1": "value1"}"#, "[[", &unsupported, REST_COGNITO]).await;
    let reasons = ["not an API Gateway event: requestContext is missing", "invalid type", "unsupported payload format"];
    for (reason, (_, kind, error)) in reasons.into_iter().zip(&outcomes) {
        assert_eq!(kind, "error");
        assert!(error["errorMessage"].as_str().unwrap().contains(reason), "{error}");
    }
    let (_, kind, served) = &outcomes[3];
    assert_eq!((kind.as_str(), &served["statusCode"]), ("response", &json!(200)));
    assert_eq!(log.iter().filter(|line| line["level"] == "ERROR").count(), 3, "each failure is logged once: {log:?}");
}
