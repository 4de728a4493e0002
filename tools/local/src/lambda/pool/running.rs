//! Execution of an invocation in a sandbox, with injected faults.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::time::Instant;

use super::Function;
use crate::faults::{Ending, Moment};
use crate::lambda::invocation::InvokeError;
use crate::lambda::sandbox::{Sandbox, SandboxOutcome};

/// Number of sandboxes that may exit before they receive the invocation; then it fails.
const NOT_RECEIVED_MAX: u32 = 3;

impl Function {
    pub(super) async fn run(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        let fault = self.context.faults.apply_to_invocation(&self.spec.logical_id).await;
        if matches!(fault, Some(Ending::Throttle)) {
            self.counters.throttles.fetch_add(1, Ordering::Relaxed);
            return Err(InvokeError::Throttled);
        }
        let _permit = self.permit().await?;
        self.counters.invocations.fetch_add(1, Ordering::Relaxed);
        let result = self.run_with(fault, payload).await;
        if result.is_err() {
            self.counters.errors.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    /// Runs an invocation and applies its fault.
    async fn run_with(&self, fault: Option<Ending>, payload: Bytes) -> Result<Bytes, InvokeError> {
        match fault {
            None => self.run_in_a_sandbox(payload, None).await,
            Some(Ending::Error(error)) => {
                let message = error.message();
                Err(InvokeError::Function { error_type: error.code, message })
            }
            Some(Ending::Reset(Moment::Before)) => Err(InvokeError::Lost("before")),
            Some(Ending::Reset(Moment::After)) => {
                let result = self.run_in_a_sandbox(payload, None).await;
                // Only a reply of the function can be lost. Other errors are returned unchanged.
                let is_reply = matches!(result, Ok(_) | Err(InvokeError::Function { .. }));
                if is_reply { Err(InvokeError::Lost("after")) } else { result }
            }
            Some(Ending::Kill(moment)) => self.run_in_a_sandbox(payload, Some(moment)).await,
            // Unreachable: throttling is handled in `run`, and partial failures apply only to Kinesis.
            Some(Ending::Throttle | Ending::Partial(_) | Ending::Reorder(_)) => Err(InvokeError::Throttled),
        }
    }

    /// Runs an invocation in an idle or new sandbox. `kill` kills the sandbox before or after the invocation.
    async fn run_in_a_sandbox(&self, payload: Bytes, kill: Option<Moment>) -> Result<Bytes, InvokeError> {
        let mut not_received = 0;
        loop {
            let idle = self.take_idle();
            let sandbox = match idle {
                Some(sandbox) => sandbox,
                None => self.start().await?,
            };
            if kill == Some(Moment::Before) {
                return Err(self.kill_sandbox(&sandbox).await);
            }
            let begun = Instant::now();
            let outcome = sandbox.invoke(payload.clone(), self.spec.timeout, Arc::clone(&self.arn)).await;
            if !matches!(outcome, SandboxOutcome::NotReceived(_)) {
                let meter = self.context.faults.meter();
                meter.invocation(&self.spec.logical_id, self.spec.memory_mb, begun.elapsed());
            }
            match outcome {
                SandboxOutcome::Response(_) | SandboxOutcome::Failed(InvokeError::Function { .. })
                    if kill.is_some() =>
                {
                    return Err(self.kill_sandbox(&sandbox).await);
                }
                SandboxOutcome::Response(body) => {
                    self.return_to_pool(sandbox);
                    return Ok(body);
                }
                SandboxOutcome::Failed(error @ InvokeError::Function { .. }) => {
                    self.return_to_pool(sandbox);
                    return Err(error);
                }
                SandboxOutcome::Failed(error) => {
                    self.state.lock().all.remove(&sandbox.id);
                    return Err(error);
                }
                SandboxOutcome::NotReceived(how) => {
                    self.state.lock().all.remove(&sandbox.id);
                    not_received += 1;
                    if not_received == NOT_RECEIVED_MAX {
                        return Err(InvokeError::Exited(how));
                    }
                }
            }
        }
    }

    /// Kills a sandbox, waits for its exit, and returns the error of its invocation.
    async fn kill_sandbox(&self, sandbox: &Sandbox) -> InvokeError {
        sandbox.process.kill();
        let how = sandbox.process.until_ended().await;
        self.state.lock().all.remove(&sandbox.id);
        InvokeError::Exited(how)
    }
}
