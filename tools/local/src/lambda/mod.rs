//! Emulated Lambda: runs the deployable function binaries as child processes that get invocations over the Runtime API.
//!
//! A sandbox cannot outlive the environment. When the environment's process is gone, even after a crash, the sandbox's
//! next request to the Runtime API fails, and the runtime crate ends the sandbox process with that error.

mod invocation;
mod observer;
mod pool;
mod runtime_api;
mod sandbox;
mod variables;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

pub(crate) use invocation::InvokeError;
pub use observer::{Invocation, InvocationObserver};
pub(crate) use pool::{Function, SANDBOXES_MAX};
pub(crate) use runtime_api::PAYLOAD_BYTES_MAX;
pub(crate) use variables::Endpoints;

use crate::faults::Faults;
use crate::hub_proxy::HubProxy;
use crate::log::LogSink;
use crate::processes::Processes;
use crate::template::FunctionSpec;
use runtime_api::RuntimeApi;

/// Shared dependencies of all sandboxes.
#[derive(Clone)]
pub(crate) struct SandboxContext {
    pub(crate) endpoints: Endpoints,
    /// Fault proxy before the broker of the hub, if the environment has one.
    pub(crate) hub: Option<Arc<HubProxy>>,
    /// Registry of the running sandbox processes.
    pub(crate) processes: Processes,
    /// Faults to inject into invocations.
    pub(crate) faults: Arc<Faults>,
    /// Receiver of all invocations, if there is one.
    pub(crate) observer: Option<InvocationObserver>,
    pub(crate) log: LogSink,
}

/// All functions, by logical id.
pub(crate) struct Lambda {
    functions: BTreeMap<String, Arc<Function>>,
    activity: watch::Sender<u64>,
}

impl Lambda {
    /// Creates the functions from their specs and binaries. Returns also the router of the Runtime API, to be served at
    /// `runtime_api_url`.
    pub(crate) fn new(
        functions: Vec<(FunctionSpec, PathBuf)>,
        runtime_api_url: &str,
        context: &SandboxContext,
    ) -> (Self, Router) {
        let api = RuntimeApi::new(runtime_api_url);
        let activity = watch::Sender::new(0);
        let function = |(spec, binary): (FunctionSpec, PathBuf)| {
            let id = spec.logical_id.clone();
            let function = Function::new(spec, binary, context.clone(), api.clone(), activity.clone());
            (id, Arc::new(function))
        };
        (Self { functions: functions.into_iter().map(function).collect(), activity: activity.clone() }, api.router())
    }

    pub(crate) fn function(&self, logical_id: &str) -> Option<&Arc<Function>> {
        self.functions.get(logical_id)
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.functions.values()
    }

    /// Returns a receiver that changes whenever an invocation of any function ends.
    pub(crate) fn activity(&self) -> watch::Receiver<u64> {
        self.activity.subscribe()
    }

    /// Starts one sandbox of each function in the background.
    pub(crate) fn warm(&self) {
        for function in self.functions() {
            let function = Arc::clone(function);
            tokio::spawn(async move { function.warm().await });
        }
    }

    /// Kills every process without waiting for the exits.
    pub(crate) fn kill_all_now(&self) {
        self.functions().for_each(|function| function.kill_all_now());
    }

    /// Lets running invocations finish for up to `grace`, then kills all processes.
    pub(crate) async fn stop(&self, grace: Duration) {
        let until = Instant::now() + grace;
        let mut stopping = JoinSet::new();
        for function in self.functions() {
            let function = Arc::clone(function);
            stopping.spawn(async move { function.stop(until).await });
        }
        stopping.join_all().await;
    }
}
