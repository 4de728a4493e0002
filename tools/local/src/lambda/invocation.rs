//! One invocation: what is asked of a function, and how it can end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::oneshot;
use uuid::Uuid;

/// On its way to a sandbox.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    pub(super) deadline_ms: u128,
    pub(super) trace_id: String,
    pub(super) function_arn: Arc<str>,
    /// Set when the sandbox has taken it: from then on it may have had an effect.
    pub(super) is_taken: Arc<AtomicBool>,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// What the function said.
#[derive(Debug)]
pub(super) enum Reply {
    Response(Bytes),
    Error { error_type: String, message: String },
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvokeError {
    /// As many invocations as are allowed are running, and as many as may wait are waiting.
    #[error("TooManyRequestsException: every sandbox is busy, and the queue is full")]
    Throttled,
    /// No sandbox could be started.
    #[error("Runtime.InitError: {0}")]
    Init(String),
    /// The function said that it failed.
    #[error("{error_type}: {message}")]
    Function {
        /// The type it gave.
        error_type: String,
        /// The message it gave.
        message: String,
    },
    /// It did not answer in time, and was killed.
    #[error("Sandbox.Timedout: Task timed out after {:.2} seconds", .0.as_secs_f64())]
    TimedOut(Duration),
    /// Its process ended.
    #[error("Runtime.ExitError: the function's process ended during the invocation: {0}")]
    Exited(String),
    /// The connection to the function was reset: it did not run, or its answer was lost.
    #[error("ServiceException: the connection was reset {0} the function ran")]
    Lost(&'static str),
    /// The environment is stopping.
    #[error("the environment is stopping")]
    Stopping,
}

impl InvokeError {
    /// What Lambda calls it, as in the record of a failed batch.
    pub(crate) fn error_type(&self) -> Option<&str> {
        match self {
            Self::Throttled | Self::Stopping => None,
            Self::Init(_) => Some("Runtime.InitError"),
            Self::Function { error_type, .. } => Some(error_type),
            Self::TimedOut(_) => Some("Sandbox.Timedout"),
            Self::Exited(_) => Some("Runtime.ExitError"),
            Self::Lost(_) => Some("ServiceException"),
        }
    }
}

impl Invocation {
    pub(super) fn new(payload: Bytes, timeout: Duration, function_arn: Arc<str>) -> (Self, oneshot::Receiver<Reply>) {
        let (reply, answer) = oneshot::channel();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let trace = Uuid::new_v4().simple().to_string();
        let invocation = Self {
            request_id: Uuid::new_v4().to_string(),
            payload,
            deadline_ms: (now + timeout).as_millis(),
            trace_id: format!("Root=1-{:08x}-{};Parent={};Sampled=0", now.as_secs(), &trace[..24], &trace[16..]),
            function_arn,
            is_taken: Arc::default(),
            reply,
        };
        (invocation, answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_is_spelled_as_x_ray_spells_it() {
        let (invocation, _answer) = Invocation::new(Bytes::new(), Duration::from_secs(3), "arn".into());
        let root = invocation.trace_id.split(';').next().unwrap();
        assert_eq!(root.len(), "Root=1-".len() + 8 + 1 + 24);
        assert!(invocation.trace_id.ends_with(";Sampled=0"));
    }

    #[test]
    fn a_timeout_reads_as_lambda_writes_it() {
        let error = InvokeError::TimedOut(Duration::from_secs(3));
        assert_eq!(error.to_string(), "Sandbox.Timedout: Task timed out after 3.00 seconds");
    }
}
