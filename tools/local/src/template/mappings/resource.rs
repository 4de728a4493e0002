//! `AWS::Lambda::EventSourceMapping`: its kind, and the properties that each kind has.

use super::super::identity::Identity;
use super::super::model::{MappingSource, MappingSpec, ReferencedResources};
use super::{Declaration, Fields, LocatedProblem, ResourceKind, Scope, kafka, rabbitmq, stream};

/// Properties of all kinds.
const OF_ALL: [&str; 10] = [
    "FunctionName",
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "FilterCriteria",
    "Enabled",
    "MetricsConfig",
    "LoggingConfig",
    "KmsKeyArn",
    "Tags",
    "EventSourceArn",
];
/// Properties of all kinds that retry record by record.
const OF_ERROR_HANDLING: [&str; 7] = [
    "StartingPosition",
    "StartingPositionTimestamp",
    "BisectBatchOnFunctionError",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "FunctionResponseTypes",
    "DestinationConfig",
];
const OF_STREAMS: [&str; 1] = ["ParallelizationFactor"];
const OF_KAFKA: [&str; 3] = ["Topics", "ProvisionedPollerConfig", "SourceAccessConfigurations"];
const OF_RABBIT_MQ: [&str; 2] = ["Queues", "SourceAccessConfigurations"];

/// Kind of a mapping, by its source.
#[derive(Debug)]
enum Kind {
    Stream(MappingSource),
    /// Holds the cluster's ARN.
    Msk(String),
    SelfManagedKafka,
    /// Holds the broker's ARN.
    RabbitMq(String),
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Stream(MappingSource::Table(_)) => "a DynamoDB stream",
            Self::Stream(_) => "a Kinesis stream",
            Self::Msk(_) => "an MSK cluster",
            Self::SelfManagedKafka => "a self-managed Kafka cluster",
            Self::RabbitMq(_) => "an Amazon MQ broker",
        }
    }

    fn has(&self, property: &str) -> bool {
        let own: &[&[&str]] = match self {
            Self::Stream(_) => &[&OF_ERROR_HANDLING, &OF_STREAMS],
            Self::Msk(_) => &[&OF_ERROR_HANDLING, &OF_KAFKA, &["AmazonManagedKafkaEventSourceConfig"]],
            Self::SelfManagedKafka => {
                &[&OF_ERROR_HANDLING, &OF_KAFKA, &["SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig"]]
            }
            Self::RabbitMq(_) => &[&OF_RABBIT_MQ],
        };
        let is_own = own.iter().any(|properties| properties.contains(&property));
        is_own
            || (OF_ALL.contains(&property) && !(matches!(self, Self::SelfManagedKafka) && property == "EventSourceArn"))
    }
}

/// Reads an event source mapping.
pub(in super::super) fn resource(
    identity: &Identity,
    line: usize,
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    referred: &ReferencedResources,
) -> Result<MappingSpec, LocatedProblem> {
    let kind = kind_of(fields, scope, referred)?;
    for entry in fields.entries() {
        if !kind.has(&entry.key) {
            return Err(fields.wrong(entry, format!("left out of a mapping of {}", kind.name())));
        }
    }
    let function = function_of(fields, scope)?;
    let declared = Declaration { id: identity.logical_id.clone(), line, function, fields, scope };
    match kind {
        Kind::Stream(source) => stream::mapping(declared, source),
        Kind::Msk(arn) => kafka::mapping(declared, Some(arn)),
        Kind::SelfManagedKafka => kafka::mapping(declared, None),
        Kind::RabbitMq(arn) => rabbitmq::mapping(declared, arn),
    }
}

fn kind_of(fields: &Fields<'_>, scope: &Scope<'_>, referred: &ReferencedResources) -> Result<Kind, LocatedProblem> {
    if fields.entry("SelfManagedEventSource").is_some() {
        return Ok(Kind::SelfManagedKafka);
    }
    let arn = fields.required_text("EventSourceArn")?;
    let kind = match arn.split(':').nth(2) {
        Some("kafka") => Some(Kind::Msk(arn)),
        Some("mq") => Some(Kind::RabbitMq(arn)),
        _ => stream::source_of(&arn, scope, referred).map(Kind::Stream),
    };
    if let Some(kind) = kind {
        return Ok(kind);
    }
    let entry = fields.required("EventSourceArn", fields.entry("EventSourceArn"))?;
    Err(fields.wrong(
        entry,
        "the ARN of a stream, consumer or table stream of this template, of an MSK cluster or of an Amazon MQ broker",
    ))
}

/// Returns the logical id of the function, which is named by its name or its ARN.
fn function_of(fields: &Fields<'_>, scope: &Scope<'_>) -> Result<String, LocatedProblem> {
    let name = fields.required_text("FunctionName")?;
    let by_name = || scope.resources.values().find(|one| one.kind == ResourceKind::Function && one.name == name);
    if let Some(function) = scope.with_arn(ResourceKind::Function, "Arn", &name).or_else(by_name) {
        return Ok(function.logical_id.clone());
    }
    let entry = fields.required("FunctionName", fields.entry("FunctionName"))?;
    Err(fields.wrong(entry, "!Ref or !GetAtt Arn of a function of this template"))
}
