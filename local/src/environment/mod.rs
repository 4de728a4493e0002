//! The whole system, running: emulators, functions, event source mappings and APIs, from one template.

mod data;
mod error;
mod options;
mod parts;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use error::StartError;
pub use options::Options;

use crate::event_source::{Context, FailureList, Failures, Mapping};
use crate::functions_build::Functions;
use crate::lambda::{Endpoints, Lambda};
use crate::log::LogSink;
use crate::net::{Stop, bind_loopback, serve, url_of};
use crate::status::Status;
use crate::template::{FunctionSpec, Template};
use crate::{REGION, gateway};
use data::Store;
use parts::Parts;

/// How long requests under way, and then invocations under way, may take to finish when the environment stops.
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);
/// How long mappings may take, at the end, to handle what has been written.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
const DRAIN_POLL: Duration = Duration::from_millis(20);

/// A function that the template does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template has no function {0}")]
pub struct UnknownFunction(pub String);

/// A template that has been read and a port that is held, but nothing running yet. The functions can be built meanwhile.
pub struct Prepared {
    template: Template,
    options: Options,
    listener: TcpListener,
    store: Store,
}

/// A running environment. When it is dropped, its processes are killed; [`Environment::shutdown`] ends it in order.
pub struct Environment {
    parts: Arc<Parts>,
    template: Template,
    log: LogSink,
    keeps_data: bool,
    serves_apis: Stop,
    serves_the_rest: Stop,
    stop: Stop,
    draining: Stop,
    gateway: JoinHandle<()>,
    mappings: Vec<JoinHandle<()>>,
    servers: Vec<JoinHandle<()>>,
    sweeper: JoinHandle<()>,
    _store: Store,
}

impl Prepared {
    /// Reads the template, opens the data directory and takes the port: whatever can be wrong before the functions are
    /// built.
    pub fn new(options: Options) -> Result<Self, StartError> {
        let template = Template::load(&options.template, &options.parameters)?;
        let port = options.port;
        let listener = bind_loopback(port).map_err(|reason| match reason.kind() {
            ErrorKind::AddrInUse => StartError::PortTaken(port),
            _ => StartError::Listen { port, reason },
        })?;
        let store = Store::open(options.data.as_deref())?;
        Ok(Self { template, options, listener, store })
    }

    /// The template, with its parameters filled in.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Starts everything. It is ready when this returns.
    pub async fn start(self, functions: &Functions) -> Result<Environment, StartError> {
        let Self { template, options, listener, store } = self;
        let log = options.log.clone();
        let url = url_of(&listener).map_err(unheard)?;
        let binaries = binaries(&template, functions, &url)?;
        let (serves_apis, serves_the_rest, stop, draining) = (Stop::new(), Stop::new(), Stop::new(), Stop::new());

        let (kinesis_listener, dynamodb_listener, runtime_listener) = (any_port()?, any_port()?, any_port()?);
        let (kinesis, kinesis_router) = crate::emulators::Kinesis::new();
        let endpoints = Endpoints {
            kinesis: url_of(&kinesis_listener).map_err(unheard)?,
            dynamodb: url_of(&dynamodb_listener).map_err(unheard)?,
        };
        make_resources(&template, &kinesis, &store).await?;

        let runtime_url = url_of(&runtime_listener).map_err(unheard)?;
        let (lambda, runtime_router) = Lambda::new(binaries, &runtime_url, &endpoints, &log);
        let lambda = Arc::new(lambda);
        let servers = vec![
            serve(kinesis_listener, kinesis_router, &serves_the_rest),
            store.dynamodb.serve(dynamodb_listener, &serves_the_rest),
            serve(runtime_listener, runtime_router, &serves_the_rest),
        ];
        if options.warm {
            lambda.warm();
        }

        let failures = Arc::new(FailureList::default());
        let context = Context {
            kinesis: kinesis.clone(),
            dynamodb: store.dynamodb.clone(),
            activity: lambda.activity(),
            checkpoints: store.checkpoints.clone(),
            failures: Arc::clone(&failures),
            retry: options.retry,
            log: log.clone(),
            stop: stop.clone(),
            draining: draining.clone(),
        };
        let (mappings, reading) = start_mappings(&template, &lambda, &context).await?;

        let dynamodb = store.dynamodb.clone();
        let sweeper = tokio::spawn(dynamodb.clone().sweep());
        let streams = template.streams.clone();
        let tables = template.tables.clone();
        let parts = Arc::new(Parts { url, endpoints, lambda, mappings, kinesis, dynamodb, failures, streams, tables });
        let router = gateway::router(template.routes(), &parts.lambda, &log).merge(parts::router(&parts));
        let stopped = serves_apis.told();
        let gateway = tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            // Serving ends with an error only where the listener does.
            let _ = axum::serve(listener, service).with_graceful_shutdown(stopped).await;
        });
        let keeps_data = options.data.is_some();
        let mappings = reading;
        Ok(Environment {
            parts,
            template,
            log,
            keeps_data,
            serves_apis,
            serves_the_rest,
            stop,
            draining,
            gateway,
            mappings,
            servers,
            sweeper,
            _store: store,
        })
    }
}

/// Every function of the template with its binary. Where a variable names the URL of an API of this template, as
/// `!Sub https://${Api}.execute-api.…/${Stage}` does, it is given that of this environment.
fn binaries(template: &Template, functions: &Functions, url: &str) -> Result<Vec<(FunctionSpec, PathBuf)>, StartError> {
    let mut binaries = Vec::new();
    for spec in &template.functions {
        let (function, package) = (spec.logical_id.clone(), spec.binary.clone());
        let binary = functions.get(&package).filter(|binary| binary.is_file());
        let binary = binary.ok_or(StartError::NoBinary { function, package })?.to_owned();
        let mut spec = spec.clone();
        for value in spec.variables.values_mut() {
            for route in template.routes() {
                let deployed = format!("https://{}.execute-api.{REGION}.amazonaws.com/{}", route.api, route.stage);
                *value = value.replace(&deployed, url);
            }
        }
        binaries.push((spec, binary));
    }
    Ok(binaries)
}

async fn make_resources(
    template: &Template,
    kinesis: &crate::emulators::Kinesis,
    store: &Store,
) -> Result<(), StartError> {
    let refused = |line: usize, resource: &str, reason: String| {
        let (template, resource) = (template.path().to_owned(), resource.to_owned());
        StartError::Resource { template, line, resource, reason }
    };
    for table in &template.tables {
        let made = store.dynamodb.create_table(table);
        made.map_err(|error| refused(table.line, &table.logical_id, error.to_string()))?;
    }
    for stream in &template.streams {
        let made = kinesis.create_stream(&stream.name, stream.shard_count).await;
        made.map_err(|error| refused(stream.line, &stream.logical_id, error.to_string()))?;
    }
    Ok(())
}

type Started = (Vec<Arc<Mapping>>, Vec<JoinHandle<()>>);

async fn start_mappings(template: &Template, lambda: &Lambda, context: &Context) -> Result<Started, StartError> {
    let failed = |error: crate::emulators::EmulatorError| StartError::Emulator(error.to_string());
    let (mut mappings, mut reading) = (Vec::new(), Vec::new());
    for spec in &template.mappings {
        // A mapping is declared inside its function.
        let Some(function) = lambda.function(&spec.function) else { continue };
        let mapping = Arc::new(Mapping::new(spec.clone(), Arc::clone(function), context.clone()).map_err(failed)?);
        reading.push(mapping.start().await.map_err(failed)?);
        mappings.push(mapping);
    }
    Ok((mappings, reading))
}

fn any_port() -> Result<TcpListener, StartError> {
    bind_loopback(0).map_err(unheard)
}

fn unheard(reason: std::io::Error) -> StartError {
    StartError::Listen { port: 0, reason }
}

impl Environment {
    /// Starts an environment with functions that have been built. It is ready when this returns.
    pub async fn start(options: Options, functions: &Functions) -> Result<Self, StartError> {
        Prepared::new(options)?.start(functions).await
    }

    /// Where the APIs are: `http://127.0.0.1:<port>`, without a stage.
    pub fn url(&self) -> &str {
        &self.parts.url
    }

    /// Where Kinesis is, for `AWS_ENDPOINT_URL_KINESIS`.
    pub fn kinesis_url(&self) -> &str {
        &self.parts.endpoints.kinesis
    }

    /// Where DynamoDB is, for `AWS_ENDPOINT_URL_DYNAMODB`.
    pub fn dynamodb_url(&self) -> &str {
        &self.parts.endpoints.dynamodb
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
        self.parts.status().await
    }

    /// What mappings gave up on; the same as `GET /_local/failures`.
    pub fn failures(&self) -> Failures {
        self.parts.failures.all()
    }

    /// Kills every process of a function (SIGKILL), whatever it is doing, and says how many there were once they are
    /// gone. The next invocation starts another.
    pub async fn kill_sandboxes(&self, function: &str) -> Result<usize, UnknownFunction> {
        match self.parts.lambda.function(function) {
            Some(function) => Ok(function.kill_all().await),
            None => Err(UnknownFunction(function.to_owned())),
        }
    }

    /// Ends it in order: takes no more requests, lets what runs finish, and leaves no process behind. Where a directory
    /// keeps the tables, what is still in memory only (Kinesis) is delivered first.
    pub async fn shutdown(mut self) {
        self.serves_apis.tell();
        let _ = tokio::time::timeout(FINISH_TIMEOUT, &mut self.gateway).await;
        if self.keeps_data {
            self.drain().await;
        }
        self.stop.tell();
        self.parts.lambda.stop(FINISH_TIMEOUT).await;
        for reading in &mut self.mappings {
            let _ = tokio::time::timeout(FINISH_TIMEOUT, reading).await;
        }
        self.serves_the_rest.tell();
        for server in &mut self.servers {
            let _ = tokio::time::timeout(FINISH_TIMEOUT, server).await;
        }
    }

    async fn drain(&self) {
        self.draining.tell();
        let drained = async {
            // A mapping may fill the stream of another: all of them must be found drained twice in a row.
            let mut times = 0;
            while times < 2 {
                times += 1;
                for mapping in &self.parts.mappings {
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
        for stop in [&self.serves_apis, &self.stop, &self.serves_the_rest] {
            stop.tell();
        }
        self.parts.lambda.kill_all_now();
        self.sweeper.abort();
    }
}
