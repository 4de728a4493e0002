//! A stub, a Secrets Manager with one secret, and an adapter that uses both.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_connection::{Aws, Https, Trust};
use aws_secrets::Secrets;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use payment_events::{Money, PaymentId};
use payments::{Authorization, Outcome, PaymentProcessor, PaymentToken, ProcessorError};
use payments_http_processor::{ApiKeys, HttpProcessor};
use paystream_processor_stub::{Ledger, Stub};
use serde_json::json;

pub(crate) const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:processor-AbCdEf";
pub(crate) const API_KEY: &str = "hunter2";
pub(crate) const MINOR: i64 = 1_299;
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Time limit of calls that do not reach it.
pub(crate) const AMPLE: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) stub: Stub,
    pub(crate) secret: Secret,
    pub(crate) processor: HttpProcessor,
}

/// Text of the secret; `None` if Secrets Manager fails. And the number of reads.
#[derive(Clone)]
pub(crate) struct Secret(Arc<Mutex<(Option<String>, usize)>>);

impl Secret {
    pub(crate) fn set(&self, key: &str) {
        self.0.lock().unwrap().0 = Some(json!({"api_key": key}).to_string());
    }

    pub(crate) fn fail(&self) {
        self.0.lock().unwrap().0 = None;
    }

    pub(crate) fn reads(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::at(AMPLE, SystemTime::now).await
    }

    pub(crate) async fn within(call_max: Duration) -> Self {
        Self::at(call_max, SystemTime::now).await
    }

    pub(crate) async fn at(call_max: Duration, clock: fn() -> SystemTime) -> Self {
        let stub = Stub::start(LOOPBACK, API_KEY, Ledger::default()).await.unwrap();
        let secret = Secret(Arc::default());
        secret.set(API_KEY);
        let listener = tokio::net::TcpListener::bind(LOOPBACK).await.unwrap();
        let secrets = secrets(&format!("http://{}", listener.local_addr().unwrap()));
        let router = Router::new().fallback(get_secret_value).with_state(secret.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let keys = ApiKeys::by_clock(secrets, ARN, clock, AMPLE);
        let url = stub.url().parse().unwrap();
        let processor = HttpProcessor::new(Https::new(Trust::System), url, keys).within(call_max);
        Self { stub, secret, processor }
    }

    pub(crate) async fn authorize(&self, key: &PaymentId) -> Result<Outcome, ProcessorError> {
        self.authorize_with(key, "tok_visa").await
    }

    pub(crate) async fn authorize_with(&self, key: &PaymentId, token: &str) -> Result<Outcome, ProcessorError> {
        let token: PaymentToken = token.parse().unwrap();
        let amount = Money::new(MINOR, "EUR".parse().unwrap()).unwrap();
        self.processor.authorize(Authorization { idempotency_key: key, amount, token: &token, attempt: 1 }).await
    }

    /// Checks that one amount is held under the key, that it was held once, and that nothing else is held.
    pub(crate) fn check_charged_once(&self, key: &PaymentId) {
        let ledger = self.stub.ledger();
        assert_eq!((ledger.holds(key.as_str()), ledger.held_minor(key.as_str())), (1, MINOR));
        let without_key = ledger.log().iter().filter(|entry| entry.key.is_none()).count();
        assert_eq!(without_key, 0, "an authorization was sent without its key");
    }
}

async fn get_secret_value(State(secret): State<Secret>) -> Response {
    let mut secret = secret.0.lock().unwrap();
    secret.1 += 1;
    match &secret.0 {
        Some(text) => Json(json!({"ARN": ARN, "SecretString": text})).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn secrets(url: &str) -> Secrets {
    let variables = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", url),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter();
    Secrets::within(&Aws::from_environment(variables.collect()).unwrap(), AMPLE)
}

pub(crate) fn key(text: &str) -> PaymentId {
    text.parse().unwrap()
}

pub(crate) fn failure<T: std::fmt::Debug>(result: Result<T, ProcessorError>) -> String {
    match result {
        Err(ProcessorError::Failed(failure)) => failure,
        other => panic!("not a failure: {other:?}"),
    }
}
