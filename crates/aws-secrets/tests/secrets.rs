//! Reading secrets over a real socket, from a server that answers as Secrets Manager does.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_connection::Aws;
use aws_secrets::{Credentials, SecretError, Secrets};
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:hub-AbCdEf";
/// Part of every secret of these tests, that must be in no error and no `Debug` output.
const HIDDEN: &str = "hunter2";

/// One answer of the server.
#[derive(Clone)]
enum Answer {
    /// The secret with this text.
    Text(&'static str),
    /// A status and a body.
    Raw(u16, String),
    Hang,
}

/// Answers in order; the last one again for all later requests.
#[derive(Clone)]
struct Server {
    answers: Arc<Mutex<Vec<Answer>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

fn check_head(request: &Request) {
    let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(request.method(), "POST");
    assert_eq!(header("x-amz-target"), "secretsmanager.GetSecretValue");
    assert_eq!(header("content-type"), "application/x-amz-json-1.1");
    let authorization = header("authorization");
    assert!(authorization.contains("/eu-central-1/secretsmanager/aws4_request"), "{authorization}");
    for signed in ["content-type", "host", "x-amz-security-token", "x-amz-target"] {
        assert!(authorization.contains(signed), "{signed} is not signed: {authorization}");
    }
}

async fn respond(State(server): State<Server>, request: Request) -> Response {
    check_head(&request);
    let body = to_bytes(request.into_body(), 10_000).await.unwrap();
    server.requests.lock().unwrap().push(String::from_utf8(body.to_vec()).unwrap());
    let answer = {
        let mut answers = server.answers.lock().unwrap();
        if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
    };
    match answer {
        Answer::Text(text) => axum::Json(serde_json::json!({"ARN": ARN, "SecretString": text})).into_response(),
        Answer::Raw(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Answer::Hang => std::future::pending().await,
    }
}

async fn serve(answers: impl IntoIterator<Item = Answer>) -> (Secrets, Server) {
    let server = Server { answers: Arc::new(Mutex::new(answers.into_iter().collect())), requests: Arc::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(respond).with_state(server.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (secrets(&url, Duration::from_mins(1)), server)
}

fn secrets(url: &str, attempt_max: Duration) -> Secrets {
    let variables = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
        ("AWS_SESSION_TOKEN", "token"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", url),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter();
    Secrets::within(&Aws::from_environment(variables.collect()).unwrap(), attempt_max)
}

fn refused(status: u16, code: &str) -> Answer {
    Answer::Raw(status, serde_json::json!({"__type": code, "Message": "as AWS says"}).to_string())
}

/// Checks that neither form of the error shows a part of the secret, and that both name it.
fn shown(error: &SecretError) -> String {
    let shown = format!("{error} {error:?}");
    assert!(shown.contains(ARN), "{shown}");
    assert!(!shown.contains(HIDDEN), "{shown}");
    error.to_string()
}

async fn credentials_error(answer: Answer) -> String {
    let (secrets, _) = serve([answer]).await;
    shown(&secrets.credentials(ARN).await.unwrap_err())
}

#[tokio::test]
async fn credentials_are_read_at_each_call_and_never_shown() {
    let first = Answer::Text(r#"{"username": "relay", "password": "hunter2", "engine": "x"}"#);
    let (secrets, server) = serve([first, Answer::Text(r#"{"username": "relay", "password": "rotated"}"#)]).await;
    let credentials = secrets.credentials(ARN).await.unwrap();
    assert_eq!(credentials, Credentials { username: "relay".to_owned(), password: "hunter2".to_owned() });
    assert!(!format!("{credentials:?} {secrets:?}").contains(HIDDEN));
    assert_eq!(secrets.credentials(ARN).await.unwrap().password, "rotated");
    let request = format!(r#"{{"SecretId":"{ARN}"}}"#);
    assert_eq!(*server.requests.lock().unwrap(), [request.clone(), request]);
}

#[tokio::test]
async fn a_certificate_is_read_with_its_line_breaks() {
    let (secrets, _) = serve([Answer::Text(r#"{"certificate": "-----BEGIN\nx\n"}"#)]).await;
    assert_eq!(secrets.certificate(ARN).await.unwrap(), "-----BEGIN\nx\n");
}

#[tokio::test]
async fn an_api_key_is_read_at_each_call_and_never_shown() {
    let first = Answer::Text(r#"{"api_key": "hunter2"}"#);
    let (secrets, _) = serve([first, Answer::Text(r#"{"api_key": "rotated", "since": 1}"#)]).await;
    let key = secrets.api_key(ARN).await.unwrap();
    assert_eq!(key.expose(), "hunter2");
    assert!(!format!("{key:?} {secrets:?}").contains(HIDDEN));
    assert_eq!(secrets.api_key(ARN).await.unwrap().expose(), "rotated");
    for text in [r#"{"key": "hunter2"}"#, r#"{"api_key": ["hunter2"]}"#, r#"{"api_key": ""}"#] {
        let (secrets, _) = serve([Answer::Text(text)]).await;
        let error = shown(&secrets.api_key(ARN).await.unwrap_err());
        assert!(error.contains(r#"`api_key` is missing, empty or not a string; expected {"api_key": "…"}"#), "{error}");
    }
}

#[tokio::test]
async fn a_malformed_secret_is_named_with_the_expected_format_and_not_shown() {
    let not_an_object = [r"hunter2", r#""hunter2""#, r#"["hunter2"]"#, r#"{"password": "hunter2""#, ""];
    for text in not_an_object {
        let error = credentials_error(Answer::Text(text)).await;
        assert!(error.contains(r#"not a JSON object; expected {"username": "…", "password": "…"}"#), "{error}");
    }
    for (text, field) in [
        (r#"{"user": "relay", "password": "hunter2"}"#, "username"),
        (r#"{"username": "relay", "Password": "hunter2"}"#, "password"),
        (r#"{"username": "relay", "password": ["hunter2"]}"#, "password"),
        (r#"{"username": "relay", "password": ""}"#, "password"),
    ] {
        let error = credentials_error(Answer::Text(text)).await;
        assert!(error.contains(&format!("the field `{field}` is missing, empty or not a string")), "{error}");
    }
    let (secrets, _) = serve([Answer::Text(r#"{"ca": "hunter2"}"#)]).await;
    let error = shown(&secrets.certificate(ARN).await.unwrap_err());
    assert!(error.contains("the field `certificate` is missing"), "{error}");
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    for (status, code, remedy) in [
        (400, "AccessDeniedException", "secretsmanager:GetSecretValue"),
        (400, "ResourceNotFoundException", "correct its ARN"),
        (400, "InvalidRequestException", "restore it"),
        (400, "com.amazonaws.secretsmanager#DecryptionFailure", "kms:Decrypt"),
    ] {
        let (secrets, server) = serve([refused(status, code)]).await;
        let error = shown(&secrets.credentials(ARN).await.unwrap_err());
        let code = code.rsplit('#').next().unwrap();
        for part in [code, remedy, "as AWS says"] {
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(server.requests.lock().unwrap().len(), 1, "a retry of {code} is useless");
    }
}

#[tokio::test]
async fn a_failure_that_may_pass_is_retried_once() {
    let secret = Answer::Text(r#"{"username": "relay", "password": "hunter2"}"#);
    for first in
        [refused(500, "InternalServiceError"), refused(400, "ThrottlingException"), Answer::Raw(503, String::new())]
    {
        let (secrets, _) = serve([first, secret.clone()]).await;
        assert_eq!(secrets.credentials(ARN).await.unwrap().username, "relay");
    }
    let (secrets, server) = serve([Answer::Raw(503, "<html>".to_owned())]).await;
    let error = shown(&secrets.credentials(ARN).await.unwrap_err());
    assert!(error.contains("responded 503 without a code"), "{error}");
    assert_eq!(server.requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_response_of_another_server_is_named() {
    for body in ["hunter2", r#"{"SecretString": ["hunter2"]}"#, "{}"] {
        let error = credentials_error(Answer::Raw(200, body.to_owned())).await;
        assert!(error.contains("not one of Secrets Manager"), "{error}");
    }
    let binary = Answer::Raw(200, r#"{"SecretBinary": "aHVudGVyMg=="}"#.to_owned());
    assert!(credentials_error(binary).await.contains("the secret is binary"));
    let endless = Answer::Raw(200, " ".repeat(1_000_000));
    assert!(credentials_error(endless).await.contains("longer than"));
}

#[tokio::test]
async fn a_call_ends_although_secrets_manager_does_not_respond() {
    let (_, server) = serve([Answer::Hang]).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(respond).with_state(server);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let error = shown(&secrets(&url, Duration::from_millis(50)).credentials(ARN).await.unwrap_err());
    assert!(error.contains("no response from http://127.0.0.1") && error.contains("interface endpoint"), "{error}");
}

#[tokio::test]
async fn an_unreachable_endpoint_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = shown(&secrets(&url, Duration::from_mins(1)).credentials(ARN).await.unwrap_err());
    assert!(error.contains(&format!("the connection to {url} failed")), "{error}");
}
