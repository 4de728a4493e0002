//! A client that repeats its requests until they are decided.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use reqwest::StatusCode;
use serde_json::Value;

/// How long a request may take, as long as API Gateway waits for a function.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long a request is repeated.
const PATIENCE: Duration = Duration::from_mins(2);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(10);
/// Answers after which a request is repeated: nothing is decided yet.
const UNDECIDED: [StatusCode; 4] = [
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];
/// Problems after which it is, too.
const UNDECIDED_PROBLEMS: [&str; 2] = ["/problems/payment-in-progress", "/problems/payment-changed"];

/// Speaks to both APIs of one environment.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

/// A request that did not come to what it should.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no HTTP client.
    #[error("no HTTP client: {0}")]
    Http(#[source] reqwest::Error),
    /// It was refused, which it should not have been.
    #[error("{path}: answered {status}: {body}")]
    Refused {
        /// Of which route.
        path: String,
        /// The status.
        status: StatusCode,
        /// The body.
        body: Value,
    },
    /// It was repeated for too long.
    #[error("{path}: not decided in {} s; at last {last}", PATIENCE.as_secs())]
    Undecided {
        /// Of which route.
        path: String,
        /// What was last answered.
        last: String,
    },
    /// Several clients sent the same request, and were not answered the same.
    #[error("{path}: answered both {one} and {other}")]
    Contradiction {
        /// Of which route.
        path: String,
        /// To one.
        one: Value,
        /// To another.
        other: Value,
    },
}

impl Client {
    /// A client of the APIs at `url`.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder().timeout(ANSWER_MAX).build().map_err(ClientError::Http)?;
        Ok(Self { http, url: url.to_owned() })
    }

    /// `POST path` under an idempotency key, until it is done. Answers with the body.
    pub async fn insist(&self, path: &str, key: &str, body: &Value) -> Result<Value, ClientError> {
        let begun = Instant::now();
        loop {
            let last = match self.post(path, key, body).await {
                Ok((status, body)) if status.is_success() => return Ok(body),
                Ok((status, body)) if is_undecided(status, &body) => format!("{status}: {body}"),
                Ok((status, body)) => return Err(ClientError::Refused { path: path.to_owned(), status, body }),
                Err(error) => error.to_string(),
            };
            if begun.elapsed() > PATIENCE {
                return Err(ClientError::Undecided { path: path.to_owned(), last });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The same by several clients at once, who must all get one answer.
    pub async fn insist_together(
        &self,
        clients: usize,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Result<Value, ClientError> {
        let mut answers = try_join_all((0..clients.max(1)).map(|_| self.insist(path, key, body))).await?;
        let one = answers.pop().unwrap_or_default();
        match answers.into_iter().find(|other| *other != one) {
            Some(other) => Err(ClientError::Contradiction { path: path.to_owned(), one, other }),
            None => Ok(one),
        }
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> reqwest::Result<(StatusCode, Value)> {
        let post = self.http.post(format!("{}{path}", self.url)).header("idempotency-key", key).json(body);
        let answer = post.send().await?;
        let status = answer.status();
        // What is no JSON is no answer of ours.
        Ok((status, serde_json::from_slice(&answer.bytes().await?).unwrap_or_default()))
    }
}

/// Whether an answer leaves open what became of a request, so that a client sends it again.
pub fn is_undecided(status: StatusCode, body: &Value) -> bool {
    UNDECIDED.contains(&status) || body["type"].as_str().is_some_and(|problem| UNDECIDED_PROBLEMS.contains(&problem))
}
