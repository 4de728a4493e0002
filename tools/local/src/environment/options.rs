//! Options of an environment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::event_source::{KafkaSimulation, RabbitMqSimulation, RetryDelays};
use crate::hubs::{Hub, local_parameters};
use crate::lambda::{InvocationObserver, SANDBOXES_MAX};
use crate::log::LogSink;
use crate::processor::LocalProcessor;
use crate::template::{Template, TemplateError};

/// Options to start an environment with. Default: `template.yaml` of the current directory, a free port, in memory, no
/// log.
#[derive(Debug, Clone)]
pub struct Options {
    /// Path of the template.
    pub template: PathBuf,
    /// Port of the APIs; 0 picks a free one.
    pub port: u16,
    /// Data directory for tables and checkpoints; `None` keeps them in memory.
    pub data: Option<PathBuf>,
    /// Template parameters that override the defaults.
    pub parameters: BTreeMap<String, String>,
    /// Hub outside this process; `None` for Kinesis, which is embedded.
    pub hub: Option<Hub>,
    /// Payment processor on this machine; `None` for the simulator.
    pub processor: Option<LocalProcessor>,
    /// Behaviour of Kafka mappings that AWS does not document.
    pub kafka: KafkaSimulation,
    /// Behaviour of `RabbitMQ` mappings that AWS does not document.
    pub rabbitmq: RabbitMqSimulation,
    /// Destination of the log.
    pub log: LogSink,
    /// Receiver of all invocations; none by default.
    pub observer: Option<InvocationObserver>,
    /// Delays before a failed batch is retried.
    pub retry: RetryDelays,
    /// Offset added to the clock that measures the age of stream records, so that tests need not wait for records to
    /// exceed the maximum age.
    pub clock_ahead: Duration,
    /// Starts one sandbox of each function at startup, so that the first invocation has no cold start.
    pub warm: bool,
    /// Concurrent sandboxes of a function without reserved concurrency in the template; 10 by default. Each is a
    /// process of about 11 MB. On AWS the default limit is 1,000 per account.
    pub sandboxes_max: usize,
}

impl Options {
    /// Reads the template, with the parameters that connect the stack to the hub and the processor.
    pub fn template(&self) -> Result<Template, TemplateError> {
        let hub = self.hub.as_ref().map(|hub| local_parameters(hub.kind(), &hub.url.address()));
        let mut local = hub.unwrap_or_default();
        local.extend(self.processor.as_ref().map(LocalProcessor::parameters).unwrap_or_default());
        Template::load_with(&self.template, &self.parameters, &local)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            template: "template.yaml".into(),
            port: 0,
            data: None,
            parameters: BTreeMap::new(),
            hub: None,
            processor: None,
            kafka: KafkaSimulation::default(),
            rabbitmq: RabbitMqSimulation::default(),
            log: LogSink::discard(),
            observer: None,
            retry: RetryDelays::default(),
            clock_ahead: Duration::ZERO,
            warm: false,
            sandboxes_max: SANDBOXES_MAX,
        }
    }
}
