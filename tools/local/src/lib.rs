//! Local environment: runs the stack of `template.yaml` on one machine, without Docker and without AWS.
//!
//! [`Environment`] reads the template and starts emulators of Kinesis and DynamoDB inside this process. It runs the
//! deployable function binaries as child processes over the Lambda Runtime API, invokes them from the streams through
//! event source mappings, and serves the API routes on 127.0.0.1. The `paystream` command and the end-to-end tests both
//! use it; each test has its own environment and ports.
//!
//! | modules | subject |
//! |---|---|
//! | `template`, `filters` | parsing and validation of `template.yaml`, with line numbers in errors |
//! | `emulators` | emulators of Kinesis and DynamoDB |
//! | `functions_build`, `lambda`, `processes` | function binaries, their sandboxes, and the sandbox processes |
//! | `event_source` | event source mappings |
//! | `hubs` | hubs outside this process: Kafka and RabbitMQ |
//! | `gateway`, `reference` | the APIs, and the page to try them out |
//! | `faults`, `usage` | injected faults and call counts; billable usage |
//! | `hub_proxy`, `amqp` | the fault proxy before a Kafka or RabbitMQ broker; AMQP frames and a consumer |
//! | `loopback`, `same_origin` | listening on 127.0.0.1, and the guard against other websites |
//! | `environment`, `status`, `log`, `workspace` | the running system, its status and its log |
//!
//! ```no_run
//! use paystream_local::{Environment, Options, Profile, Template};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let options = Options { template: "template.yaml".into(), ..Options::default() };
//! let functions = Template::load(&options.template, &options.parameters)?.build_functions(Profile::own()).await?;
//! let environment = Environment::start(options, &functions).await?;
//! println!("ready {}", environment.url());
//! environment.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod amqp;
mod emulators;
mod environment;
mod event_source;
mod faults;
mod filters;
mod functions_build;
mod gateway;
mod hub_proxy;
mod hubs;
mod lambda;
mod log;
mod loopback;
mod processes;
mod processor;
mod reference;
mod same_origin;
mod status;
mod template;
mod usage;
mod workspace;

pub use amqp::QueueKind;
pub use emulators::{ErrorAnswer, Service};
pub use environment::{Emulators, Environment, Options, Prepared, StartError, UnknownFunction, empty_dynamodb};
pub use event_source::{
    FailedBatch, Failures, KafkaBatches, KafkaSimulation, OffsetReset, RabbitMqReturn, RabbitMqSimulation, RetryDelays,
};
pub use faults::{Calls, Effect, Fault, FaultId, FaultTarget, InjectedFault, InvalidFault, Moment};
pub use functions_build::{BuildError, Functions, Profile, build_functions};
pub use hub_proxy::{Broker, BrokerProxy};
pub use hubs::{
    FetchPosition, FetchedPartition, Hub, HubClient, HubKind, HubUrl, InvalidHubUrl, KafkaCluster, KafkaError,
    KafkaRecord, OffsetAt, TimestampType, Topic, UnknownHub,
};
pub use lambda::{Invocation, InvocationObserver};
pub use log::LogSink;
pub use processor::{LocalProcessor, NotALocalProcessor};
pub use status::{EventSourceStatus, FunctionStatus, ShardStatus, Status, StreamStatus, TableStatus};
pub use template::{LeftOut, PayloadFormat, Problem, Route, Template, TemplateError};
pub use usage::{FunctionUsage, StreamUsage, TableUsage, Usage};
pub use workspace::{NoTemplate, directory_with, find_template};

/// Region in every emulated ARN and variable.
pub(crate) const REGION: &str = "us-east-1";
/// Account id in every emulated ARN and event.
pub(crate) const ACCOUNT_ID: &str = "000000000000";
