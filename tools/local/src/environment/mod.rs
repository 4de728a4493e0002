//! The running environment: emulators, functions, event source mappings and APIs of one template.

mod components;
mod data_directory;
mod error;
mod hub;
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

/// Time that requests in flight, and then invocations in flight, have to finish at shutdown.
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);
/// Time that event source mappings have at shutdown to deliver the records written so far.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
const DRAIN_POLL: Duration = Duration::from_millis(20);

/// Logical id of a function that is not in the template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template has no function {0}")]
pub struct UnknownFunction(pub String);

/// A running environment. Dropping it kills its processes; [`Environment::shutdown`] stops it gracefully.
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
    /// Starts an environment with built functions. It is ready when this returns.
    pub async fn start(options: Options, functions: &Functions) -> Result<Self, StartError> {
        Prepared::new(options)?.start(functions).await
    }

    /// Returns the base URL of the APIs: `http://127.0.0.1:<port>`, without a stage.
    pub fn url(&self) -> &str {
        &self.components.url
    }

    /// Returns the endpoint of Kinesis, for `AWS_ENDPOINT_URL_KINESIS`.
    pub fn kinesis_url(&self) -> &str {
        &self.components.endpoints.kinesis
    }

    /// Returns the endpoint of DynamoDB, for `AWS_ENDPOINT_URL_DYNAMODB`.
    pub fn dynamodb_url(&self) -> &str {
        &self.components.endpoints.dynamodb
    }

    /// Returns the hub, as text: `Kinesis (embedded)`, or `Kafka at HOST:PORT`.
    pub fn hub(&self) -> &str {
        &self.components.hub
    }

    /// Returns the template.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Returns the physical name of a resource, such as a table or a stream.
    pub fn physical_name(&self, logical_id: &str) -> Option<&str> {
        self.template.names.get(logical_id).map(String::as_str)
    }

    /// Returns the status, as `GET /_local/status` does.
    pub async fn status(&self) -> Status {
        self.components.status().await
    }

    /// Returns the failed batches (on-failure destination), as `GET /_local/failures` does.
    pub fn failures(&self) -> Failures {
        self.components.failures.all()
    }

    /// Kills every process of a function (SIGKILL), busy or idle. Returns their number once they have exited. The next
    /// invocation starts a new one.
    pub async fn kill_sandboxes(&self, function: &str) -> Result<usize, UnknownFunction> {
        match self.components.lambda.function(function) {
            Some(function) => Ok(function.kill_all().await),
            None => Err(UnknownFunction(function.to_owned())),
        }
    }

    /// Injects a fault into calls of functions, invocations or API requests, as `POST /_local/faults` does.
    pub fn inject(&self, fault: Fault) -> Result<FaultId, InvalidFault> {
        self.components.faults.inject_one(fault)
    }

    /// Returns the injected faults and how often each one applied, as `GET /_local/faults` does.
    pub fn faults(&self) -> Vec<InjectedFault> {
        self.components.faults.all()
    }

    /// Removes all faults, as `DELETE /_local/faults` does.
    pub fn clear_faults(&self) {
        self.components.faults.clear();
    }

    /// Returns the counts of function calls that reached the emulators, as `GET /_local/calls` does.
    pub fn calls(&self) -> Calls {
        self.components.faults.calls()
    }

    /// Resets the call counts, as `DELETE /_local/calls` does.
    pub fn reset_calls(&self) {
        self.components.faults.reset_calls();
    }

    /// Returns the billable usage, as `GET /_local/usage` does.
    pub fn usage(&self) -> Usage {
        self.components.faults.meter().all()
    }

    /// Resets the usage, as `DELETE /_local/usage` does.
    pub fn reset_usage(&self) {
        self.components.faults.meter().reset();
    }

    /// Stops gracefully: accepts no more requests, lets those in flight and invocations finish, and leaves no process
    /// behind. With a data directory it first delivers the records in Kinesis, which is in memory only.
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
            // A mapping may write to the stream of another, so all must be drained in two passes in a row.
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
                "stopped before all records were delivered; those left in Kinesis are lost, as it is in memory only",
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
