//! Startup of an environment.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::components::{self, Components};
use super::data_directory::DataDirectory;
use super::hub::{check_hub, create_topics, declare_queues, secrets};
use super::resources::{Resources, any_port, listen_error};
use super::stops::Stops;
use super::{Environment, Options, StartError};
use crate::event_source::{FailureList, Mapping, MappingContext, MappingError};
use crate::faults::{Callers, Faults, serve_resettable};
use crate::functions_build::Functions;
use crate::hub_proxy::HubProxy;
use crate::hubs::Hub;
use crate::lambda::{Lambda, SandboxContext};
use crate::loopback::{bind_loopback, serve, url_of};
use crate::processes::Processes;
use crate::template::{FunctionSpec, Template};
use crate::{REGION, gateway};

/// A validated template with its port bound and its data directory locked. Nothing runs yet, so the functions can be
/// built between [`Prepared::new`] and [`Prepared::start`].
pub struct Prepared {
    template: Template,
    options: Options,
    listener: TcpListener,
    store: DataDirectory,
}

impl Prepared {
    /// Reads the template, binds the port and opens the data directory, so that these errors show before the functions
    /// are built.
    pub fn new(options: Options) -> Result<Self, StartError> {
        let template = options.template()?;
        check_hub(&template, options.hub.as_ref())?;
        let port = options.port;
        let listener = bind_loopback(port).map_err(|reason| match reason.kind() {
            ErrorKind::AddrInUse => StartError::PortTaken(port),
            _ => StartError::Listen { port, reason },
        })?;
        let store = DataDirectory::open(options.data.as_deref())?;
        Ok(Self { template, options, listener, store })
    }

    /// Returns the template, with its parameters applied.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Starts the environment. It is ready when this returns.
    pub async fn start(self, functions: &Functions) -> Result<Environment, StartError> {
        let Self { template, options, listener, store } = self;
        let log = options.log.clone();
        let url = url_of(&listener).map_err(listen_error)?;
        let binaries = binaries(&template, functions, &url, options.sandboxes_max)?;
        let stops = Stops::default();

        let processes = Processes::default();
        let logical_ids = template.functions.iter().map(|function| function.logical_id.clone()).collect();
        let callers = Callers::Functions { logical_ids, processes: processes.clone() };
        let faults = Arc::new(Faults::new(callers, log.clone()).with_routes(template.routes()));
        let Resources { kinesis, endpoints, mut servers } =
            Resources::start(&template, &store.dynamodb, &secrets(&options), &faults, &stops.servers).await?;

        create_topics(&template, options.hub.as_ref()).await?;
        declare_queues(&template, options.hub.as_ref(), options.rabbitmq.queue).await?;

        let runtime_listener = any_port()?;
        let runtime_url = url_of(&runtime_listener).map_err(listen_error)?;
        let hub = options.hub.as_ref().and_then(|hub| HubProxy::of_hub(hub, &faults, &stops.servers)).map(Arc::new);
        let context = SandboxContext {
            endpoints: endpoints.clone(),
            hub,
            processes,
            faults: Arc::clone(&faults),
            observer: options.observer.clone(),
            log,
        };
        let (lambda, runtime_router) = Lambda::new(binaries, &runtime_url, &context);
        let log = context.log;
        let lambda = Arc::new(lambda);
        servers.push(serve(runtime_listener, runtime_router, &stops.servers));
        if options.warm {
            lambda.warm();
        }

        let failures = Arc::new(FailureList::default());
        let context = MappingContext {
            kinesis: kinesis.clone(),
            dynamodb: store.dynamodb.clone(),
            hub: options.hub.clone(),
            kafka: options.kafka,
            rabbitmq: options.rabbitmq,
            activity: lambda.activity(),
            checkpoints: store.checkpoints.clone(),
            failures: Arc::clone(&failures),
            retry: options.retry,
            clock_ahead: options.clock_ahead,
            log: log.clone(),
            stop: stops.mappings.clone(),
            draining: stops.draining.clone(),
        };
        let (mappings, reading) = start_mappings(&template, &lambda, &context).await?;

        let dynamodb = store.dynamodb.clone();
        let (sweep_tables, sweep_streams) = (dynamodb.clone().sweep(), kinesis.clone().sweep());
        let sweeper = tokio::spawn(async { _ = tokio::join!(sweep_tables, sweep_streams) });
        let streams = template.streams.clone();
        let tables = template.tables.clone();
        let hub = options.hub.as_ref().map_or_else(|| "Kinesis (embedded)".to_owned(), Hub::to_string);
        let outputs = template.outputs.clone();
        let components = Components {
            url,
            hub,
            endpoints,
            lambda,
            mappings,
            faults,
            kinesis,
            dynamodb,
            failures,
            streams,
            tables,
            outputs,
        };
        let components = Arc::new(components);
        let router = gateway::router(template.routes(), &components.lambda, &components.faults, &log);
        let gateway = serve_resettable(listener, router.merge(components::router(&components)), &stops.gateway);
        let keeps_data = options.data.is_some();
        let mappings = reading;
        Ok(Environment {
            components,
            template,
            log,
            keeps_data,
            stops,
            gateway,
            mappings,
            servers,
            sweeper,
            _store: store,
        })
    }
}

/// Returns every function of the template with its binary. In its variables, URLs of APIs of this template, such as
/// `!Sub https://${Api}.execute-api.…/${Stage}`, are replaced by the URL of this environment.
fn binaries(
    template: &Template,
    functions: &Functions,
    url: &str,
    sandboxes_max: usize,
) -> Result<Vec<(FunctionSpec, PathBuf)>, StartError> {
    let mut binaries = Vec::new();
    for spec in &template.functions {
        let (function, package) = (spec.logical_id.clone(), spec.binary.clone());
        let binary = functions.get(&package).filter(|binary| binary.is_file());
        let binary = binary.ok_or(StartError::NoBinary { function, package })?.to_owned();
        let mut spec = spec.clone();
        spec.concurrency_max.get_or_insert(sandboxes_max);
        for value in spec.variables.values_mut() {
            for route in template.routes() {
                let stage = if route.stage == "$default" { String::new() } else { format!("/{}", route.stage) };
                let deployed = format!("https://{}.execute-api.{REGION}.amazonaws.com{stage}", route.api);
                *value = value.replace(&deployed, url);
            }
        }
        binaries.push((spec, binary));
    }
    Ok(binaries)
}

type Started = (Vec<Mapping>, Vec<JoinHandle<()>>);

async fn start_mappings(template: &Template, lambda: &Lambda, context: &MappingContext) -> Result<Started, StartError> {
    let (mut mappings, mut reading) = (Vec::new(), Vec::new());
    for spec in &template.mappings {
        // Always found: a mapping names a function of the template.
        let Some(function) = lambda.function(&spec.function) else { continue };
        let failed = |error: MappingError| StartError::Resource {
            template: template.path().to_owned(),
            line: spec.line,
            resource: spec.id.clone(),
            reason: error.to_string(),
        };
        let mapping = Mapping::new(spec.clone(), Arc::clone(function), context.clone()).map_err(failed)?;
        reading.push(mapping.start().await.map_err(failed)?);
        mappings.push(mapping);
    }
    Ok((mappings, reading))
}
