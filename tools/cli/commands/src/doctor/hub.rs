//! Kafka and `RabbitMQ`: connection, description and checks.

use paystream_hubs::{KafkaAccess, KafkaClient, KafkaSasl, TopicSettings};
use paystream_operations::doctor::{
    self, Credentials, Diagnosis, KafkaFacts, Management, ManagementUrl, PartitionFacts, Secrets, TopicFacts,
};
use paystream_operations::open_secrets;

use super::Arguments;
use super::parts::System;

/// Variable with `USER:PASSWORD` for the hub.
const CREDENTIALS: &str = "PAYSTREAM_HUB_CREDENTIALS";
/// Port of the management API without TLS. With TLS, Amazon MQ has it on 443.
const MANAGEMENT_PORT: u16 = 15_672;

/// Checks the topic.
pub(super) async fn kafka(system: &System, arguments: &Arguments, record_age: Option<u64>, diagnosis: &mut Diagnosis) {
    let topic = match system.output("KafkaTopic") {
        Ok(topic) => topic,
        Err(reason) => return diagnosis.failed("Kafka topic", reason),
    };
    let subject = format!("Kafka topic {topic}");
    match kafka_facts(system, arguments, topic).await {
        Ok(facts) => diagnosis.checked(subject, doctor::kafka(&facts, record_age)),
        Err(reason) => diagnosis.failed(subject, reason),
    }
    if arguments.kafka_partitions.is_none() {
        diagnosis.uncovered(
            "added partitions",
            "Kafka keeps no earlier number of partitions: record it, and give it with --kafka-partitions",
        );
    }
}

async fn kafka_facts(system: &System, arguments: &Arguments, topic: &str) -> Result<KafkaFacts, String> {
    let servers = match &arguments.hub_url {
        Some(address) => address.as_str(),
        None => system.output("KafkaBootstrapServers")?,
    };
    let access = kafka_access(system).await?;
    let client = connected(servers, &access).await?;
    let settings = client.settings(topic).await.map_err(|error| error.to_string())?;
    let committed = match system.output("KafkaConsumerGroup") {
        Ok(group) => client.committed(group, topic).await.map_err(|error| error.to_string())?,
        Err(_) => std::collections::BTreeMap::new(),
    };
    Ok(KafkaFacts {
        topic: settings.map(topic_facts),
        committed,
        read_partitions: read_partitions(system),
        recorded_partitions: arguments.kafka_partitions,
    })
}

/// Returns the client of the first server that answers.
async fn connected(servers: &str, access: &KafkaAccess) -> Result<KafkaClient, String> {
    let mut reasons = Vec::new();
    for server in servers.split(',') {
        let client = KafkaClient::with_access(server.trim(), access.clone());
        match client.check().await {
            Ok(()) => return Ok(client),
            Err(error) => reasons.push(error.to_string()),
        }
    }
    Err(format!("no broker answers: {}; give the address of one with --hub-url", reasons.join("; ")))
}

async fn kafka_access(system: &System) -> Result<KafkaAccess, String> {
    let is_plaintext = system.output("HubEncryption").is_ok_and(|encryption| encryption == "plaintext");
    let tls = if is_plaintext {
        None
    } else {
        let ca = match system.output("HubCaSecretArn") {
            Ok(arn) => Some(secrets(system)?.certificate(arn).await.map_err(|error| error.to_string())?),
            Err(_) => None,
        };
        Some(doctor::tls(ca.as_deref())?)
    };
    let sasl = match system.output("KafkaAuthentication") {
        Ok("iam") => {
            let token = doctor::msk_token(system.stack.aws()).await.map_err(|error| error.to_string())?;
            Some(KafkaSasl::Token(token))
        }
        Ok("scram-sha-512") => {
            let Credentials { username, password } = credentials(system).await?;
            Some(KafkaSasl::Scram { username, password })
        }
        _ => None,
    };
    Ok(KafkaAccess { tls, sasl })
}

fn topic_facts(settings: TopicSettings) -> TopicFacts {
    let partitions = settings.partitions.into_iter().map(|partition| PartitionFacts {
        partition: partition.partition,
        has_leader: partition.has_leader,
        replicas: partition.replicas,
        in_sync: partition.in_sync,
        end: partition.end,
    });
    TopicFacts { partitions: partitions.collect(), configuration: settings.configuration }
}

/// Returns the number of partitions that the local environment's mapping has positions in.
fn read_partitions(system: &System) -> usize {
    let mapping = system.output("ProjectorMapping").ok();
    let mapping = system.status.as_ref().zip(mapping).and_then(|(status, id)| status.event_sources.get(id));
    mapping.map_or(0, |mapping| mapping.shards.len())
}

/// Checks exchange, queue and broker.
pub(super) async fn rabbitmq(system: &System, arguments: &Arguments, diagnosis: &mut Diagnosis) {
    let names = ["RabbitMqVirtualHost", "RabbitMqExchange", "RabbitMqQueue"].map(|key| system.output(key));
    let [virtual_host, exchange, queue] = match names {
        [Ok(virtual_host), Ok(exchange), Ok(queue)] => [virtual_host, exchange, queue],
        [Err(reason), _, _] | [_, Err(reason), _] | [_, _, Err(reason)] => {
            return diagnosis.failed("RabbitMQ queue", reason);
        }
    };
    let subject = format!("RabbitMQ queue {queue} and exchange {exchange}");
    let management = match management(system, arguments).await {
        Ok(management) => management,
        Err(reason) => return diagnosis.failed(subject, reason),
    };
    match management.facts(virtual_host, exchange, queue).await {
        Ok((facts, unread)) => {
            diagnosis.checked(subject, doctor::rabbitmq(&facts));
            for (part, reason) in unread {
                diagnosis.failed(part, reason);
            }
            diagnosis.uncovered(
                "maximum message size of RabbitMQ",
                "the management API does not show it; max_message_size is 16 MiB or more by default, and an event is smaller",
            );
        }
        Err(error) => diagnosis.failed(subject, error.to_string()),
    }
}

async fn management(system: &System, arguments: &Arguments) -> Result<Management, String> {
    let url = match &arguments.management_url {
        Some(url) => url.clone(),
        None => default_management_url(system)?,
    };
    let credentials = match url.credentials() {
        Some(credentials) => credentials.clone(),
        None => credentials(system).await?,
    };
    Ok(Management::new(url, credentials))
}

fn default_management_url(system: &System) -> Result<ManagementUrl, String> {
    let endpoint = system.output("RabbitMqEndpoint")?;
    let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
    let is_plaintext = system.output("HubEncryption").is_ok_and(|encryption| encryption == "plaintext");
    let url = if is_plaintext { format!("http://{host}:{MANAGEMENT_PORT}") } else { format!("https://{host}") };
    url.parse().map_err(|reason| format!("{url} {reason}"))
}

/// Returns the credentials of the hub, from the variable or from the secret.
async fn credentials(system: &System) -> Result<Credentials, String> {
    if let Ok(given) = std::env::var(CREDENTIALS) {
        let (username, password) =
            given.split_once(':').ok_or_else(|| format!("{CREDENTIALS} must be USER:PASSWORD"))?;
        return Ok(Credentials { username: username.to_owned(), password: password.to_owned() });
    }
    let arn = system.output("HubSecretArn").map_err(|reason| format!("{reason}, or set {CREDENTIALS}"))?;
    secrets(system)?.credentials(arn).await.map_err(|error| error.to_string())
}

fn secrets(system: &System) -> Result<Secrets, String> {
    let local = system.status.as_ref().map(|status| status.secrets_manager_url.as_str());
    open_secrets(system.stack.aws(), local).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
