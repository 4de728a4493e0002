//! Sandbox pool of a function: reuses idle sandboxes and starts new ones, up to the concurrency limit.

mod running;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;
use uuid::Uuid;

use super::SandboxContext;
use super::invocation::InvokeError;
use super::observer::Invocation;
use super::runtime_api::RuntimeApi;
use super::sandbox::Sandbox;
use crate::status::FunctionStatus;
use crate::template::FunctionSpec;
use crate::{ACCOUNT_ID, REGION};

/// Default concurrency limit of a function without reserved concurrency. Each sandbox is a process of about 11 MB.
pub(crate) const SANDBOXES_MAX: usize = 10;
/// Invocations that may wait for a sandbox. Lambda has no such queue, but allows 1,000 concurrent sandboxes.
const WAITING_MAX: usize = 100;
/// Delay after the first failed init; it doubles with each further failure.
const INIT_PAUSE_FIRST: Duration = Duration::from_millis(100);
const INIT_PAUSE_MAX: Duration = Duration::from_secs(10);
/// Time to wait for a killed process to exit.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// A function and its sandboxes.
pub(crate) struct Function {
    pub(crate) spec: FunctionSpec,
    pub(crate) arn: Arc<str>,
    binary: PathBuf,
    context: SandboxContext,
    api: RuntimeApi,
    permits: Semaphore,
    waiting: AtomicUsize,
    state: Mutex<PoolState>,
    counters: Counters,
    /// Number of finished invocations of all functions. Readers of table streams look for new records when it changes.
    activity: watch::Sender<u64>,
}

#[derive(Default)]
struct PoolState {
    /// Last in, first out.
    idle: Vec<Arc<Sandbox>>,
    all: BTreeMap<String, Arc<Sandbox>>,
    init_failures: u32,
    init_failure: Option<(Instant, InvokeError)>,
    is_stopping: bool,
}

#[derive(Default)]
struct Counters {
    invocations: AtomicU64,
    errors: AtomicU64,
    throttles: AtomicU64,
    cold_starts: AtomicU64,
}

impl Function {
    pub(super) fn new(
        spec: FunctionSpec,
        binary: PathBuf,
        context: SandboxContext,
        api: RuntimeApi,
        activity: watch::Sender<u64>,
    ) -> Self {
        Self {
            arn: format!("arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{}", spec.name).into(),
            permits: Semaphore::new(spec.concurrency_max.unwrap_or(SANDBOXES_MAX)),
            spec,
            binary,
            context,
            api,
            waiting: AtomicUsize::new(0),
            state: Mutex::default(),
            counters: Counters::default(),
            activity,
        }
    }

    /// Invokes the function. Dropping the returned future does not cancel the invocation.
    pub(crate) async fn invoke(self: &Arc<Self>, payload: Bytes) -> Result<Bytes, InvokeError> {
        let function = Arc::clone(self);
        let invocation = tokio::spawn(async move {
            let result = function.observed(payload).await;
            function.activity.send_modify(|count| *count += 1);
            result
        });
        // A join error here means that the tokio runtime is shutting down.
        invocation.await.unwrap_or(Err(InvokeError::Stopping))
    }

    /// Runs an invocation, and passes it to the observer.
    async fn observed(&self, event: Bytes) -> Result<Bytes, InvokeError> {
        let Some(observer) = &self.context.observer else { return self.run(event).await };
        let started = SystemTime::now();
        let result = self.run(event.clone()).await;
        let (function, response) = (self.spec.logical_id.clone(), result.as_ref().ok().cloned());
        observer.observe(Invocation { function, event, started, ended: SystemTime::now(), response });
        result
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, InvokeError> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        // A reserved concurrency of 0 switches a function off.
        let is_off = self.spec.concurrency_max == Some(0);
        if is_off || self.waiting.fetch_add(1, Ordering::SeqCst) >= WAITING_MAX {
            if !is_off {
                self.waiting.fetch_sub(1, Ordering::SeqCst);
            }
            self.counters.throttles.fetch_add(1, Ordering::Relaxed);
            return Err(InvokeError::Throttled);
        }
        let permit = self.permits.acquire().await;
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        permit.map_err(|_| InvokeError::Stopping)
    }

    async fn start(&self) -> Result<Arc<Sandbox>, InvokeError> {
        {
            let state = self.state.lock();
            if state.is_stopping {
                return Err(InvokeError::Stopping);
            }
            if let Some((until, error)) = &state.init_failure
                && Instant::now() < *until
            {
                return Err(error.clone());
            }
        }
        self.counters.cold_starts.fetch_add(1, Ordering::Relaxed);
        let id = Uuid::new_v4().simple().to_string();
        let begun = Instant::now();
        let started = Sandbox::start(id, &self.binary, &self.spec, &self.context, &self.api).await;
        self.context.faults.meter().init(&self.spec.logical_id, self.spec.memory_mb, begun.elapsed());
        let mut state = self.state.lock();
        match started {
            Ok(sandbox) => {
                let sandbox = Arc::new(sandbox);
                if state.is_stopping {
                    sandbox.process.kill();
                    return Err(InvokeError::Stopping);
                }
                state.init_failures = 0;
                state.init_failure = None;
                state.all.insert(sandbox.id.clone(), Arc::clone(&sandbox));
                Ok(sandbox)
            }
            Err(error) => {
                let pause = INIT_PAUSE_FIRST.saturating_mul(1 << state.init_failures.min(10)).min(INIT_PAUSE_MAX);
                state.init_failures += 1;
                state.init_failure = Some((Instant::now() + pause, error.clone()));
                self.context.log.warn(&format!("{} did not start: {error}", self.spec.binary));
                Err(error)
            }
        }
    }

    /// Starts a sandbox in advance, so that the first invocation has no cold start.
    pub(crate) async fn warm(&self) {
        if let Ok(_permit) = self.permits.try_acquire() {
            // A failed start is already logged; the first invocation tries again.
            if let Ok(sandbox) = self.start().await {
                self.return_to_pool(sandbox);
            }
        }
    }

    fn take_idle(&self) -> Option<Arc<Sandbox>> {
        let mut state = self.state.lock();
        while let Some(sandbox) = state.idle.pop() {
            let Some(how) = sandbox.process.has_ended() else { return Some(sandbox) };
            self.context.log.warn(&format!("{}: an idle sandbox exited: {how}", self.spec.binary));
            state.all.remove(&sandbox.id);
        }
        None
    }

    fn return_to_pool(&self, sandbox: Arc<Sandbox>) {
        self.state.lock().idle.push(sandbox);
    }

    /// Kills every sandbox, busy or idle, waits for the exits, and returns their number.
    pub(crate) async fn kill_all(&self) -> usize {
        let sandboxes: Vec<_> = {
            let mut state = self.state.lock();
            state.idle.clear();
            state.all.values().cloned().collect()
        };
        for sandbox in &sandboxes {
            sandbox.process.kill();
        }
        for sandbox in &sandboxes {
            let _ = tokio::time::timeout(KILL_TIMEOUT, sandbox.process.until_ended()).await;
            self.state.lock().all.remove(&sandbox.id);
        }
        sandboxes.len()
    }

    /// Kills every sandbox without waiting for the exits, and starts no more.
    pub(crate) fn kill_all_now(&self) {
        let mut state = self.state.lock();
        state.is_stopping = true;
        state.all.values().for_each(|sandbox| sandbox.process.kill());
    }

    /// Starts no more invocations, lets running ones finish until `until`, then kills all sandboxes.
    pub(crate) async fn stop(&self, until: Instant) {
        let concurrency = self.spec.concurrency_max.unwrap_or(SANDBOXES_MAX);
        let all = self.permits.acquire_many(u32::try_from(concurrency).unwrap_or(u32::MAX));
        // While all permits are held, no invocation runs.
        let _all = tokio::time::timeout_at(until, all).await;
        self.permits.close();
        self.state.lock().is_stopping = true;
        self.kill_all().await;
    }

    pub(crate) fn status(&self) -> FunctionStatus {
        let state = self.state.lock();
        let sandboxes = state.all.values().filter(|sandbox| sandbox.process.has_ended().is_none()).count();
        let idle = state.idle.iter().filter(|sandbox| sandbox.process.has_ended().is_none()).count();
        FunctionStatus {
            name: self.spec.name.clone(),
            binary: self.spec.binary.clone(),
            sandboxes,
            busy: sandboxes.saturating_sub(idle),
            invocations: self.counters.invocations.load(Ordering::Relaxed),
            errors: self.counters.errors.load(Ordering::Relaxed),
            throttles: self.counters.throttles.load(Ordering::Relaxed),
            cold_starts: self.counters.cold_starts.load(Ordering::Relaxed),
            variables: self.spec.variables.clone(),
        }
    }
}
