//! Observation of invocations: the events that functions receive, and when.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

/// An invocation that has ended.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Function, by its logical id.
    pub function: String,
    /// Event, as the function received it.
    pub event: Bytes,
    /// Time at which the invocation began.
    pub started: SystemTime,
    /// Time at which it ended.
    pub ended: SystemTime,
    /// Response; `None` if the invocation failed or was throttled.
    pub response: Option<Bytes>,
}

/// Receiver of the invocations of all functions.
#[derive(Clone)]
pub struct InvocationObserver(Arc<dyn Fn(Invocation) + Send + Sync>);

impl InvocationObserver {
    /// Passes each invocation to `observe` when it ends. The invoker waits for it, so it must be quick.
    pub fn new(observe: impl Fn(Invocation) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    pub(super) fn observe(&self, invocation: Invocation) {
        (self.0)(invocation);
    }
}

impl fmt::Debug for InvocationObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvocationObserver").finish_non_exhaustive()
    }
}
