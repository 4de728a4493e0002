//! Mappings of Kafka topics: MSK, and self-managed clusters.

use std::time::Duration;

use super::super::model::{KafkaSource, MappingSource, MappingSpec};
use super::{
    Declaration, Fields, LocatedProblem, Node, RecordKind, Value, access, batch_size, batching_window, count,
    destination, only_text, record_age_max, reports_item_failures, retries_max, starting_position,
};
use crate::filters::Filters;

/// Window of Kafka and Amazon MQ mappings that set none.
pub(super) const DEFAULT_WINDOW: Duration = Duration::from_millis(500);
/// Retries of a mapping without a limit that has an on-failure destination.
const RETRIES_WITH_DESTINATION_MAX: u32 = 10;
/// Error-handling properties that Kafka mappings have in provisioned mode only.
const PROVISIONED_ONLY: [&str; 4] =
    ["BisectBatchOnFunctionError", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "FunctionResponseTypes"];
/// Types of `SourceAccessConfigurations`. The environment connects to the broker of `--hub-url` without them.
const ACCESS: [&str; 7] = [
    "BASIC_AUTH",
    "CLIENT_CERTIFICATE_TLS_AUTH",
    "SASL_SCRAM_256_AUTH",
    "SASL_SCRAM_512_AUTH",
    "SERVER_ROOT_CA_CERTIFICATE",
    "VPC_SECURITY_GROUP",
    "VPC_SUBNET",
];
const BOOTSTRAP_SERVERS_MAX: usize = 10;

pub(super) fn mapping(
    declared: Declaration<'_, '_, '_>,
    cluster_arn: Option<String>,
) -> Result<MappingSpec, LocatedProblem> {
    let Declaration { id, line, function, fields, scope } = declared;
    if let Some(entry) = fields.entry("FilterCriteria") {
        return Err(fields.wrong(entry, "left out: the local environment does not filter Kafka records"));
    }
    check_provisioned_mode(fields)?;
    access(fields, &ACCESS)?;
    let bootstrap_servers = if cluster_arn.is_none() { bootstrap_servers(fields)? } else { String::new() };
    let configuration =
        if cluster_arn.is_some() { "AmazonManagedKafkaEventSourceConfig" } else { "SelfManagedKafkaEventSourceConfig" };
    let configuration = fields.inner(configuration, &["ConsumerGroupId"])?;
    let consumer_group = configuration.map(|fields| fields.text("ConsumerGroupId")).transpose()?.flatten();
    let on_failure = destination(fields, scope)?;
    let source = KafkaSource {
        cluster_arn,
        bootstrap_servers,
        topic: only_text(fields, "Topics")?,
        consumer_group: consumer_group.unwrap_or_else(|| id.clone()),
    };
    Ok(MappingSpec {
        id,
        line,
        function,
        source: MappingSource::Kafka(source),
        starting_position: starting_position(true, fields)?,
        batch_size: batch_size(fields)?,
        batching_window: batching_window(fields)?.unwrap_or(DEFAULT_WINDOW),
        parallelization_factor: 1,
        filters: Filters::new(RecordKind::Kinesis),
        bisect: fields.flag("BisectBatchOnFunctionError")?.unwrap_or(false),
        retries_max: retries_max(fields)?.or(on_failure.as_ref().map(|_| RETRIES_WITH_DESTINATION_MAX)),
        record_age_max: record_age_max(fields)?,
        reports_item_failures: reports_item_failures(fields)?,
        on_failure,
        enabled: fields.flag("Enabled")?.unwrap_or(true),
    })
}

fn check_provisioned_mode(fields: &Fields<'_>) -> Result<(), LocatedProblem> {
    let known = ["MinimumPollers", "MaximumPollers", "PollerGroupName"];
    if let Some(pollers) = fields.inner("ProvisionedPollerConfig", &known)? {
        let (least, most) = (count(&pollers, "MinimumPollers", 200)?, count(&pollers, "MaximumPollers", 2_000)?);
        if let (Some(least), Some(most)) = (least, most)
            && least > most
        {
            let entry = pollers.required("MaximumPollers", pollers.entry("MaximumPollers"))?;
            return Err(pollers.wrong(entry, format!("at least MinimumPollers, {least}")));
        }
        return Ok(());
    }
    match fields.entries().iter().find(|entry| PROVISIONED_ONLY.contains(&entry.key.as_str())) {
        Some(entry) => Err(fields.wrong(entry, "left out of a Kafka mapping without ProvisionedPollerConfig")),
        None => Ok(()),
    }
}

/// Returns the bootstrap servers of `SelfManagedEventSource`, joined by commas.
fn bootstrap_servers(fields: &Fields<'_>) -> Result<String, LocatedProblem> {
    let source = fields.inner("SelfManagedEventSource", &["Endpoints"])?;
    let source = fields.required("SelfManagedEventSource", source)?;
    let endpoints = source.required("Endpoints", source.inner("Endpoints", &["KafkaBootstrapServers"])?)?;
    let expected = format!("a list of 1 to {BOOTSTRAP_SERVERS_MAX} HOST:PORT");
    let servers = endpoints.optional("KafkaBootstrapServers", &expected, |node| {
        let Value::List(items) = &node.value else { return None };
        let servers: Vec<String> = items.iter().map(Node::to_text).collect::<Option<_>>()?;
        let are_valid =
            (1..=BOOTSTRAP_SERVERS_MAX).contains(&servers.len()) && servers.iter().all(|one| is_address(one));
        are_valid.then(|| servers.join(","))
    })?;
    endpoints.required("KafkaBootstrapServers", servers)
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}
