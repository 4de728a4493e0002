//! Emulators with the tables and streams of a template.

use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::StartError;
use crate::emulators::{DynamoDb, Emulator, Kinesis, SecretsManager};
use crate::faults::{self, Callers, Calls, Fault, FaultId, Faults, InjectedFault, InvalidFault};
use crate::lambda::Endpoints;
use crate::log::LogSink;
use crate::loopback::{bind_loopback, url_of};
use crate::template::Template;
use crate::usage::Usage;

/// Running emulators. They serve until their token is cancelled.
pub(super) struct Resources {
    pub(super) kinesis: Kinesis,
    pub(super) endpoints: Endpoints,
    pub(super) servers: Vec<JoinHandle<()>>,
}

impl Resources {
    /// Creates the tables and streams of the template and serves each emulator on a free port.
    pub(super) async fn start(
        template: &Template,
        dynamodb: &DynamoDb,
        secrets: &SecretsManager,
        faults: &Arc<Faults>,
        stop: &CancellationToken,
    ) -> Result<Self, StartError> {
        let (kinesis_listener, dynamodb_listener, secrets_listener) = (any_port()?, any_port()?, any_port()?);
        let (kinesis, kinesis_router) = Kinesis::new();
        let endpoints = Endpoints {
            kinesis: url_of(&kinesis_listener).map_err(listen_error)?,
            dynamodb: url_of(&dynamodb_listener).map_err(listen_error)?,
            secrets_manager: url_of(&secrets_listener).map_err(listen_error)?,
        };
        create_resources(template, &kinesis, dynamodb).await?;
        let servers = vec![
            faults::serve(kinesis_listener, kinesis_router, Emulator::Kinesis, faults, stop),
            faults::serve(dynamodb_listener, dynamodb.router(), Emulator::DynamoDb, faults, stop),
            faults::serve(secrets_listener, secrets.router(), Emulator::SecretsManager, faults, stop),
        ];
        Ok(Self { kinesis, endpoints, servers })
    }
}

async fn create_resources(template: &Template, kinesis: &Kinesis, dynamodb: &DynamoDb) -> Result<(), StartError> {
    let refused = |line: usize, resource: &str, reason: String| {
        let (template, resource) = (template.path().to_owned(), resource.to_owned());
        StartError::Resource { template, line, resource, reason }
    };
    for table in &template.tables {
        let created = dynamodb.create_table(table);
        created.map_err(|error| refused(table.line, &table.logical_id, error.to_string()))?;
    }
    for stream in &template.streams {
        let created = kinesis.create_stream(&stream.name, stream.shard_count).await;
        created.map_err(|error| refused(stream.line, &stream.logical_id, error.to_string()))?;
    }
    Ok(())
}

pub(super) fn any_port() -> Result<TcpListener, StartError> {
    bind_loopback(0).map_err(listen_error)
}

pub(super) fn listen_error(reason: std::io::Error) -> StartError {
    StartError::Listen { port: 0, reason }
}

/// Returns the router of an empty in-memory DynamoDB, for a listener of the caller. It injects no faults and does not
/// protect against requests from other websites.
pub fn empty_dynamodb() -> Result<Router, StartError> {
    let dynamodb = DynamoDb::open(None).map_err(|error| StartError::Emulator(error.to_string()))?;
    Ok(dynamodb.router())
}

/// In-memory Kinesis and DynamoDB with the streams and tables of a template, without functions: for adapter tests. They
/// stop when this is dropped.
pub struct Emulators {
    template: Template,
    endpoints: Endpoints,
    faults: Arc<Faults>,
    /// Dropping it stops the servers.
    _stop: DropGuard,
}

impl Emulators {
    /// Starts the emulators. They are ready when this returns.
    pub async fn start(template: Template) -> Result<Self, StartError> {
        let stop = CancellationToken::new();
        let dynamodb = DynamoDb::open(None).map_err(|error| StartError::Emulator(error.to_string()))?;
        let faults = Arc::new(Faults::new(Callers::Everybody, LogSink::discard()));
        let Resources { endpoints, .. } =
            Resources::start(&template, &dynamodb, &SecretsManager::default(), &faults, &stop).await?;
        Ok(Self { template, endpoints, faults, _stop: stop.drop_guard() })
    }

    /// Returns the endpoint of Kinesis, for `AWS_ENDPOINT_URL_KINESIS`.
    pub fn kinesis_url(&self) -> &str {
        &self.endpoints.kinesis
    }

    /// Returns the endpoint of DynamoDB, for `AWS_ENDPOINT_URL_DYNAMODB`.
    pub fn dynamodb_url(&self) -> &str {
        &self.endpoints.dynamodb
    }

    /// Returns the endpoint of Secrets Manager, for `AWS_ENDPOINT_URL_SECRETS_MANAGER`. It has no secrets.
    pub fn secrets_manager_url(&self) -> &str {
        &self.endpoints.secrets_manager
    }

    /// Returns the physical name of a table or stream.
    pub fn physical_name(&self, logical_id: &str) -> Option<&str> {
        self.template.names.get(logical_id).map(String::as_str)
    }

    /// Injects a fault. Every caller counts as a function named after its access key; there are no processes to kill.
    pub fn inject(&self, fault: Fault) -> Result<FaultId, InvalidFault> {
        self.faults.inject_one(fault)
    }

    /// Returns the injected faults and how often each one applied.
    pub fn faults(&self) -> Vec<InjectedFault> {
        self.faults.all()
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.faults.clear();
    }

    /// Returns the counts of calls that reached the emulators, by access key.
    pub fn calls(&self) -> Calls {
        self.faults.calls()
    }

    /// Resets the call counts.
    pub fn reset_calls(&self) {
        self.faults.reset_calls();
    }

    /// Returns the billable usage, by access key.
    pub fn usage(&self) -> Usage {
        self.faults.meter().all()
    }
}
