//! The whole system, running: emulators, functions, event source mappings and APIs, from one template.

mod components;
mod data_directory;
mod error;
mod options;
mod resources;
mod start;
mod stops;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

pub use error::StartError;
pub use options::Options;
pub use resources::{Emulators, empty_dynamodb};
pub use start::Prepared;

use crate::event_source::Failures;
use crate::faults::{Calls, Fault, FaultId, InjectedFault, InvalidFault};
use crate::functions_build::Functions;
use crate::log::LogSink;
use crate::status::Status;
use crate::template::Template;
use crate::usage::Usage;
use components::Components;
use data_directory::DataDirectory;
use stops::Stops;

/// How long requests under way, and then invocations under way, may take to finish when the environment stops.
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);
/// How long mappings may take, at the end, to handle what has been written.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
const DRAIN_POLL: Duration = Duration::from_millis(20);

/// A function that the template does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template has no function {0}")]
pub struct UnknownFunction(pub String);

/// A running environment. When it is dropped, its processes are killed; [`Environment::shutdown`] ends it in order.
pub struct Environment {
    components: Arc<Components>,
    template: Template,
    log: LogSink,
    keeps_data: bool,
    stops: Stops,
    gateway: JoinHandle<()>,
    mappings: Vec<JoinHandle<()>>,
    servers: Vec<JoinHandle<()>>,
    sweeper: JoinHandle<()>,
    _store: DataDirectory,
}

impl Environment {
    /// Starts an environment with functions that have been built. It is ready when this returns.
    pub async fn start(options: Options, functions: &Functions) -> Result<Self, StartError> {
        Prepared::new(options)?.start(functions).await
    }

    /// Where the APIs are: `http://127.0.0.1:<port>`, without a stage.
    pub fn url(&self) -> &str {
        &self.components.url
    }

    /// Where Kinesis is, for `AWS_ENDPOINT_URL_KINESIS`.
    pub fn kinesis_url(&self) -> &str {
        &self.components.endpoints.kinesis
    }

    /// Where DynamoDB is, for `AWS_ENDPOINT_URL_DYNAMODB`.
    pub fn dynamodb_url(&self) -> &str {
        &self.components.endpoints.dynamodb
    }

    /// The template it runs.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// The physical name of a resource: of a table or a stream, for example.
    pub fn physical_name(&self, logical_id: &str) -> Option<&str> {
        self.template.names.get(logical_id).map(String::as_str)
    }

    /// What it is doing; the same as `GET /_local/status`.
    pub async fn status(&self) -> Status {
        self.components.status().await
    }

    /// What mappings gave up on; the same as `GET /_local/failures`.
    pub fn failures(&self) -> Failures {
        self.components.failures.all()
    }

    /// Kills every process of a function (SIGKILL), whatever it is doing, and says how many there were once they are
    /// gone. The next invocation starts another.
    pub async fn kill_sandboxes(&self, function: &str) -> Result<usize, UnknownFunction> {
        match self.components.lambda.function(function) {
            Some(function) => Ok(function.kill_all().await),
            None => Err(UnknownFunction(function.to_owned())),
        }
    }

    /// Has something go wrong from now on, with functions' calls or with invocations; the same as
    /// `POST /_local/faults`.
    pub fn inject(&self, fault: Fault) -> Result<FaultId, InvalidFault> {
        self.components.faults.inject_one(fault)
    }

    /// The faults that have been injected, and what has come of them; the same as `GET /_local/faults`.
    pub fn faults(&self) -> Vec<InjectedFault> {
        self.components.faults.all()
    }

    /// Has nothing go wrong any more; the same as `DELETE /_local/faults`.
    pub fn clear_faults(&self) {
        self.components.faults.clear();
    }

    /// The functions' calls that have reached the emulators; the same as `GET /_local/calls`.
    pub fn calls(&self) -> Calls {
        self.components.faults.calls()
    }

    /// Counts calls from nothing again; the same as `DELETE /_local/calls`.
    pub fn reset_calls(&self) {
        self.components.faults.reset_calls();
    }

    /// What has been used that AWS would bill; the same as `GET /_local/usage`.
    pub fn usage(&self) -> Usage {
        self.components.faults.meter().all()
    }

    /// Counts what is used from nothing again; the same as `DELETE /_local/usage`.
    pub fn reset_usage(&self) {
        self.components.faults.meter().reset();
    }

    /// Ends it in order: takes no more requests, lets what runs finish, and leaves no process behind. Where a directory
    /// keeps the tables, what is still in memory only (Kinesis) is delivered first.
    pub async fn shutdown(mut self) {
        self.stops.gateway.cancel();
        let _ = tokio::time::timeout(FINISH_TIMEOUT, &mut self.gateway).await;
        if self.keeps_data {
            self.drain().await;
        }
        self.stops.mappings.cancel();
        self.components.lambda.stop(FINISH_TIMEOUT).await;
        for reading in &mut self.mappings {
            let _ = tokio::time::timeout(FINISH_TIMEOUT, reading).await;
        }
        self.stops.servers.cancel();
        for server in &mut self.servers {
            let _ = tokio::time::timeout(FINISH_TIMEOUT, server).await;
        }
    }

    async fn drain(&self) {
        self.stops.draining.cancel();
        let drained = async {
            // A mapping may fill the stream of another: all of them must be found drained twice in a row.
            let mut times = 0;
            while times < 2 {
                times += 1;
                for mapping in &self.components.mappings {
                    if !mapping.is_drained().await {
                        times = 0;
                    }
                }
                tokio::time::sleep(DRAIN_POLL).await;
            }
        };
        if tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
            self.log.warn(
                "stopped before every record had been delivered; what is in Kinesis is lost, as it is in memory only",
            );
        }
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.stops.cancel_all();
        self.components.lambda.kill_all_now();
        self.sweeper.abort();
    }
}
