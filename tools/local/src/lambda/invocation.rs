//! Invocations and their outcomes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::oneshot;
use uuid::Uuid;

/// Invocation to be sent to a sandbox.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    pub(super) deadline_ms: u128,
    pub(super) trace_id: String,
    pub(super) function_arn: Arc<str>,
    /// Set when the sandbox has received the invocation, which may have had an effect from then on.
    pub(super) is_received: Arc<AtomicBool>,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// Reply of the function.
#[derive(Debug)]
pub(super) enum Reply {
    Response(Bytes),
    Error { error_type: String, message: String },
}

/// Reason why an invocation has no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvokeError {
    /// Concurrency and queue are exhausted, or the reserved concurrency is 0, or a fault was injected.
    #[error("TooManyRequestsException: every sandbox is busy, and the queue is full")]
    Throttled,
    /// No sandbox could be started.
    #[error("Runtime.InitError: {0}")]
    Init(String),
    /// The function returned an error.
    #[error("{error_type}: {message}")]
    Function {
        /// `errorType` of the function.
        error_type: String,
        /// `errorMessage` of the function.
        message: String,
    },
    /// The function exceeded its timeout and was killed.
    #[error("Sandbox.Timedout: Task timed out after {:.2} seconds", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The process exited during the invocation.
    #[error("Runtime.ExitError: the function's process ended during the invocation: {0}")]
    Exited(String),
    /// Injected connection reset: the function did not run (`before`), or its response was lost (`after`).
    #[error("ServiceException: the connection was reset {0} the function ran")]
    Lost(&'static str),
    /// The environment is stopping.
    #[error("the environment is stopping")]
    Stopping,
}

impl InvokeError {
    /// Returns Lambda's `errorType`, as in an invocation record. `None` if the function was not invoked.
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
            is_received: Arc::default(),
            reply,
        };
        (invocation, answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_has_the_x_ray_format() {
        let (invocation, _answer) = Invocation::new(Bytes::new(), Duration::from_secs(3), "arn".into());
        let root = invocation.trace_id.split(';').next().unwrap();
        assert_eq!(root.len(), "Root=1-".len() + 8 + 1 + 24);
        assert!(invocation.trace_id.ends_with(";Sampled=0"));
    }

    #[test]
    fn a_timeout_has_the_message_of_lambda() {
        let error = InvokeError::TimedOut(Duration::from_secs(3));
        assert_eq!(error.to_string(), "Sandbox.Timedout: Task timed out after 3.00 seconds");
    }
}
