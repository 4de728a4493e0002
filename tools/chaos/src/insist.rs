//! Requests that are repeated until they are decided.

use std::time::Duration;

use futures::future::try_join_all;
use paystream_client::{Client, Outcome, Pace, Request};
use serde_json::Value;

/// How long a request is repeated.
const PATIENCE: Duration = Duration::from_mins(2);
const PACE: Pace = Pace::within(PATIENCE, Duration::from_millis(10));

/// A request that did not come to what it should.
#[derive(Debug, thiserror::Error)]
pub enum InsistError {
    /// It was refused, which it should not have been.
    #[error("{path}: answered {status}: {body}")]
    Refused {
        /// Of which route.
        path: String,
        /// HTTP status.
        status: u16,
        /// Response body.
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

/// `POST path` under an idempotency key, until it is done. Returns the body.
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

/// The same by several clients at once, who must all get one answer.
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
