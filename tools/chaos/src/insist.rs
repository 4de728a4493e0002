//! Requests that are repeated until they have a final response.

use std::time::Duration;

use futures::future::try_join_all;
use paystream_client::{Client, Outcome, Pace, Request};
use serde_json::Value;

/// Maximum time a request is repeated.
const PATIENCE: Duration = Duration::from_mins(2);
const PACE: Pace = Pace::within(PATIENCE, Duration::from_millis(10));

/// Error of a repeated request.
#[derive(Debug, thiserror::Error)]
pub enum InsistError {
    /// The response is a final error.
    #[error("{path}: status {status}: {body}")]
    Refused {
        /// Path of the request.
        path: String,
        /// HTTP status.
        status: u16,
        /// Response body.
        body: Value,
    },
    /// There was no final response in time.
    #[error("{path}: no final response in {} s; last: {last}", PATIENCE.as_secs())]
    Undecided {
        /// Path of the request.
        path: String,
        /// Last response or error.
        last: String,
    },
    /// Clients that sent the same request received different responses.
    #[error("{path}: clients received both {one} and {other}")]
    Contradiction {
        /// Path of the request.
        path: String,
        /// Response to one client.
        one: Value,
        /// Response to another client.
        other: Value,
    },
}

/// Sends `POST path` under an idempotency key until it succeeds. Returns the response body.
pub(crate) async fn insist(client: &Client, path: &str, key: &str, body: &Value) -> Result<Value, InsistError> {
    let undecided = |last: String| InsistError::Undecided { path: path.to_owned(), last };
    let answer = client.send_until_decided(&Request::post(path, body).with_key(key), PACE).await;
    let answer = answer.map_err(|error| undecided(error.to_string()))?;
    match answer.outcome() {
        Outcome::Decided if answer.status.is_success() => Ok(answer.body),
        Outcome::Decided => {
            Err(InsistError::Refused { path: path.to_owned(), status: answer.status.as_u16(), body: answer.body })
        }
        Outcome::RetryAsked | Outcome::Unknown => Err(undecided(format!("{}: {}", answer.status, answer.body))),
    }
}

/// Does the same with several concurrent clients, which must all receive the same response.
pub(crate) async fn insist_together(
    client: &Client,
    clients: usize,
    path: &str,
    key: &str,
    body: &Value,
) -> Result<Value, InsistError> {
    let mut answers = try_join_all((0..clients.max(1)).map(|_| insist(client, path, key, body))).await?;
    let one = answers.pop().unwrap_or_default();
    match answers.into_iter().find(|other| *other != one) {
        Some(other) => Err(InsistError::Contradiction { path: path.to_owned(), one, other }),
        None => Ok(one),
    }
}
