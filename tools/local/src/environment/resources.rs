//! The emulators, with the tables and streams that a template declares.

use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::StartError;
use crate::emulators::{DynamoDb, Kinesis, Service};
use crate::faults::{self, Callers, Calls, Fault, FaultId, Faults, InjectedFault, InvalidFault};
use crate::lambda::Endpoints;
use crate::log::LogSink;
use crate::loopback::{bind_loopback, url_of};
use crate::template::Template;
use crate::usage::Usage;

/// Emulators that serve until their token is cancelled.
pub(super) struct Resources {
    pub(super) kinesis: Kinesis,
    pub(super) endpoints: Endpoints,
    pub(super) servers: Vec<JoinHandle<()>>,
}

impl Resources {
    /// Makes what the template declares, and serves it on ports of its own.
    pub(super) async fn start(
        template: &Template,
        dynamodb: &DynamoDb,
        faults: &Arc<Faults>,
        stop: &CancellationToken,
    ) -> Result<Self, StartError> {
        let (kinesis_listener, dynamodb_listener) = (any_port()?, any_port()?);
        let (kinesis, kinesis_router) = Kinesis::new();
        let endpoints = Endpoints {
            kinesis: url_of(&kinesis_listener).map_err(listen_error)?,
            dynamodb: url_of(&dynamodb_listener).map_err(listen_error)?,
        };
        create_resources(template, &kinesis, dynamodb).await?;
        let servers = vec![
            faults::serve(kinesis_listener, kinesis_router, Service::Kinesis, faults, stop),
            faults::serve(dynamodb_listener, dynamodb.router(), Service::DynamoDb, faults, stop),
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
        let made = dynamodb.create_table(table);
        made.map_err(|error| refused(table.line, &table.logical_id, error.to_string()))?;
    }
    for stream in &template.streams {
        let made = kinesis.create_stream(&stream.name, stream.shard_count).await;
        made.map_err(|error| refused(stream.line, &stream.logical_id, error.to_string()))?;
    }
    Ok(())
}

pub(super) fn any_port() -> Result<TcpListener, StartError> {
    bind_loopback(0).map_err(listen_error)
}

pub(super) fn listen_error(reason: std::io::Error) -> StartError {
    StartError::Listen { port: 0, reason }
}

/// An empty DynamoDB in memory, for a listener of the caller's. It has no faults, and no guard against other websites.
pub fn empty_dynamodb() -> Result<Router, StartError> {
    let dynamodb = DynamoDb::open(None).map_err(|error| StartError::Emulator(error.to_string()))?;
    Ok(dynamodb.router())
}

/// Kinesis and DynamoDB in memory, with the streams and tables of a template, and nothing that uses them: for tests of
/// adapters. They end when this is dropped.
pub struct Emulators {
    template: Template,
    endpoints: Endpoints,
    faults: Arc<Faults>,
    /// Dropping it stops the servers.
    _stop: DropGuard,
}

impl Emulators {
    /// Starts them. They are ready when this returns.
    pub async fn start(template: Template) -> Result<Self, StartError> {
        let stop = CancellationToken::new();
        let dynamodb = DynamoDb::open(None).map_err(|error| StartError::Emulator(error.to_string()))?;
        let faults = Arc::new(Faults::new(Callers::Everybody, LogSink::discard()));
        let Resources { endpoints, .. } = Resources::start(&template, &dynamodb, &faults, &stop).await?;
        Ok(Self { template, endpoints, faults, _stop: stop.drop_guard() })
    }

    /// Where Kinesis is, for `AWS_ENDPOINT_URL_KINESIS`.
    pub fn kinesis_url(&self) -> &str {
        &self.endpoints.kinesis
    }

    /// Where DynamoDB is, for `AWS_ENDPOINT_URL_DYNAMODB`.
    pub fn dynamodb_url(&self) -> &str {
        &self.endpoints.dynamodb
    }

    /// The physical name of a table or stream.
    pub fn physical_name(&self, logical_id: &str) -> Option<&str> {
        self.template.names.get(logical_id).map(String::as_str)
    }

    /// Has something go wrong from now on. Whoever calls is taken for a function here, by the name of the access key;
    /// there are no processes to kill.
    pub fn inject(&self, fault: Fault) -> Result<FaultId, InvalidFault> {
        self.faults.inject_one(fault)
    }

    /// The faults that have been injected, and what has come of them.
    pub fn faults(&self) -> Vec<InjectedFault> {
        self.faults.all()
    }

    /// Has nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.faults.clear();
    }

    /// The calls that have reached the emulators, by access key.
    pub fn calls(&self) -> Calls {
        self.faults.calls()
    }

    /// Counts calls from nothing again.
    pub fn reset_calls(&self) {
        self.faults.reset_calls();
    }

    /// What has been used that AWS would bill, by access key.
    pub fn usage(&self) -> Usage {
        self.faults.meter().all()
    }
}
