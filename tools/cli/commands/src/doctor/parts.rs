//! Parts of a system that `paystream doctor` checks.

use std::collections::BTreeMap;

use paystream_local::{HubKind, Status};
use paystream_operations::doctor::{
    self, Bounds, Diagnosis, LambdaApi, MappingFacts, MappingRole, SourceKind, TableFacts, TableRole,
};
use paystream_operations::{Resource, Stack};

use super::{Arguments, hub};
use crate::output::CommandError;
use crate::target::ResolvedTarget;

/// Variable of the relay with the record age of its mapping.
const RECORD_AGE: &str = "RECORD_AGE_MAX_SECONDS";

/// A system with its hub and its outputs.
pub(super) struct System {
    pub(super) stack: Stack,
    pub(super) status: Option<Status>,
    outputs: BTreeMap<String, String>,
    hub: HubKind,
}

impl System {
    pub(super) fn new(
        target: ResolvedTarget,
        given: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, CommandError> {
        let ResolvedTarget { stack, status, mut outputs, .. } = target;
        outputs.extend(given);
        let hub = outputs.get("Hub").map_or(Ok(HubKind::Kinesis), |hub| hub.parse());
        let hub = hub.map_err(|error| CommandError::Usage(error.to_string()))?;
        Ok(Self { stack, status, outputs, hub })
    }

    pub(super) fn hub(&self) -> HubKind {
        self.hub
    }

    /// Returns an output. The error is the reason.
    pub(super) fn output(&self, key: &str) -> Result<&str, String> {
        let value = self.outputs.get(key).map(String::as_str).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            format!("there is no output {key}: give it with --stack-outputs FILE or --output {key}=VALUE")
        })
    }

    /// Checks all parts. A part that cannot be read is noted, and the others are checked.
    pub(super) async fn check(&self, arguments: &Arguments, diagnosis: &mut Diagnosis) {
        let payments = self.tables(diagnosis).await;
        let lambda = if self.status.is_none() { Some(LambdaApi::new(self.stack.aws())) } else { None };
        // The local environment has one change stream for each table.
        let changes = if self.status.is_none() { payments.and_then(|table| table.stream_arn) } else { None };
        self.relay(lambda.as_ref(), changes.clone(), diagnosis).await;
        self.recovery(lambda.as_ref(), changes, diagnosis).await;
        let record_age = self.projector(lambda.as_ref(), diagnosis).await;
        match self.hub {
            HubKind::Kinesis => {
                let subject = self.subject("stream", Resource::PaymentStream);
                match self.stack.kinesis_facts().await {
                    Ok(facts) => diagnosis.checked(subject, doctor::kinesis(facts.as_ref(), record_age)),
                    Err(reason) => diagnosis.failed(subject, reason),
                }
            }
            HubKind::Kafka => hub::kafka(self, arguments, record_age, diagnosis).await,
            HubKind::RabbitMq => hub::rabbitmq(self, arguments, diagnosis).await,
        }
        self.bucket(diagnosis).await;
    }

    fn subject(&self, kind: &str, resource: Resource) -> String {
        format!("{kind} {}", self.stack.names().get(resource).unwrap_or(resource.logical_id()))
    }

    /// Checks the tables, and returns the settings of the payments table.
    async fn tables(&self, diagnosis: &mut Diagnosis) -> Option<TableFacts> {
        let mut payments = None;
        for (resource, role) in [
            (Resource::PaymentsTable, TableRole::Payments),
            (Resource::OrdersTable, TableRole::Orders),
            (Resource::QuarantineTable, TableRole::Quarantine),
            (Resource::PaymentsQuarantineTable, TableRole::Quarantine),
        ] {
            let subject = self.subject("table", resource);
            match self.stack.table_facts(resource).await {
                Ok(facts) => {
                    diagnosis.checked(subject, doctor::table(role, facts.as_ref()));
                    if role == TableRole::Payments {
                        payments = facts;
                    }
                }
                Err(reason) => diagnosis.failed(subject, reason),
            }
        }
        payments
    }

    async fn relay(
        &self,
        lambda: Option<&Result<LambdaApi, String>>,
        changes: Option<String>,
        diagnosis: &mut Diagnosis,
    ) {
        let (subject, facts) = self.mapping("relay", "RelayMapping", lambda).await;
        let facts = match facts {
            Ok(facts) => facts,
            Err(reason) => return diagnosis.failed(subject, reason),
        };
        let mut bounds = Bounds { source: changes, ..Bounds::default() };
        if let Some(facts) = &facts {
            match self.relay_record_age(facts, lambda).await {
                Ok(seconds) => bounds.relay_record_age_seconds = seconds,
                Err(reason) => diagnosis.failed(format!("variable {RECORD_AGE} of the relay"), reason),
            }
        }
        let findings = doctor::mapping(MappingRole::Relay, SourceKind::Stream, facts.as_ref(), &bounds);
        diagnosis.checked(subject, findings);
    }

    async fn recovery(
        &self,
        lambda: Option<&Result<LambdaApi, String>>,
        changes: Option<String>,
        diagnosis: &mut Diagnosis,
    ) {
        let (subject, facts) = self.mapping("recovery", "RecoveryMapping", lambda).await;
        match facts {
            Ok(facts) => {
                let bounds = Bounds { source: changes, ..Bounds::default() };
                let findings = doctor::mapping(MappingRole::Recovery, SourceKind::Stream, facts.as_ref(), &bounds);
                diagnosis.checked(subject, findings);
            }
            Err(reason) => diagnosis.failed(subject, reason),
        }
    }

    async fn relay_record_age(
        &self,
        facts: &MappingFacts,
        lambda: Option<&Result<LambdaApi, String>>,
    ) -> Result<Option<u64>, String> {
        let variables = match (&self.status, lambda) {
            (Some(status), _) => {
                let mapping = self.output("RelayMapping")?;
                let function =
                    status.event_sources.get(mapping).and_then(|mapping| status.functions.get(&mapping.function));
                function.map(|function| function.variables.clone())
            }
            (None, Some(Ok(lambda))) => lambda.variables(facts).await?,
            (None, Some(Err(reason))) => return Err(reason.clone()),
            (None, None) => None,
        };
        let variables = variables.ok_or("the relay does not exist")?;
        Ok(variables.get(RECORD_AGE).and_then(|seconds| seconds.parse().ok()))
    }

    /// Checks the projector's mapping, and returns the bound on the age of its records.
    async fn projector(&self, lambda: Option<&Result<LambdaApi, String>>, diagnosis: &mut Diagnosis) -> Option<u64> {
        let (subject, facts) = self.mapping("projector", "ProjectorMapping", lambda).await;
        let facts = match facts {
            Ok(facts) => facts,
            Err(reason) => {
                diagnosis.failed(subject, reason);
                return None;
            }
        };
        let output = |key: &str| self.output(key).ok().map(str::to_owned);
        let (kind, source) = match self.hub {
            HubKind::Kinesis => {
                (SourceKind::Stream, self.stack.names().get(Resource::PaymentStream).map(str::to_owned))
            }
            HubKind::Kafka => (SourceKind::Kafka, output("KafkaTopic")),
            HubKind::RabbitMq => (SourceKind::RabbitMq, output("RabbitMqQueue")),
        };
        let bounds = Bounds { source, virtual_host: output("RabbitMqVirtualHost"), relay_record_age_seconds: None };
        let findings = doctor::mapping(MappingRole::Projector, kind, facts.as_ref(), &bounds);
        diagnosis.checked(subject, findings);
        facts.as_ref().and_then(MappingFacts::record_age_seconds_max)
    }

    /// Returns the name of a mapping in the output, and its settings.
    async fn mapping(
        &self,
        function: &str,
        output: &str,
        lambda: Option<&Result<LambdaApi, String>>,
    ) -> (String, Result<Option<MappingFacts>, String>) {
        let id = match self.output(output) {
            Ok(id) => id,
            Err(reason) => return (format!("mapping of the {function}"), Err(reason)),
        };
        let facts = match (&self.status, lambda) {
            (Some(status), _) => Ok(status.event_sources.get(id).map(|mapping| MappingFacts(mapping.settings.clone()))),
            (None, Some(Ok(lambda))) => lambda.mapping(id).await,
            (None, Some(Err(reason))) => Err(reason.clone()),
            (None, None) => Err("no access to Lambda".to_owned()),
        };
        (format!("mapping {id} of the {function}"), facts)
    }

    /// Reads the on-failure bucket, which exists only on AWS.
    async fn bucket(&self, diagnosis: &mut Diagnosis) {
        if self.status.is_some() {
            return;
        }
        let subject = self.subject("bucket", Resource::FailuresBucket);
        let read = match self.stack.failures_bucket() {
            Ok(bucket) => bucket.keys(1).await.map(drop).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match read {
            Ok(()) => diagnosis.checked(subject, doctor::bucket(true)),
            Err(reason) if reason.contains("NoSuchBucket") => diagnosis.checked(subject, doctor::bucket(false)),
            Err(reason) => diagnosis.failed(subject, reason),
        }
    }
}
