//! The hub of an environment: checks, secrets, and the topics and queues that a deployer would create.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Options, StartError};
use crate::amqp::QueueKind;
use crate::emulators::SecretsManager;
use crate::hubs::{HUB_SECRET_ARN, Hub, HubClient, HubKind, KafkaError, declare_missing};
use crate::processor::processor_secret;
use crate::template::{MappingSource, Template};

/// Partitions of a topic that the environment creates: enough to show that order holds within a partition only.
const TOPIC_PARTITIONS: i32 = 2;

/// Checks that the parameter `Hub` and the hub of the environment are the same.
pub(super) fn check_hub(template: &Template, hub: Option<&Hub>) -> Result<(), StartError> {
    let (chosen, given) = (template.hub(), hub.map_or(HubKind::Kinesis, Hub::kind));
    match hub {
        _ if chosen == given => Ok(()),
        None => Err(StartError::NoHub(chosen)),
        Some(_) => Err(StartError::OtherHub { chosen, given }),
    }
}

/// Returns the secrets that functions can read: the credentials of the hub, and the API key of a processor.
pub(super) fn secrets(options: &Options) -> SecretsManager {
    let secret = |hub: &Hub| {
        let (username, password) = hub.url.credentials();
        (HUB_SECRET_ARN.to_owned(), json!({"username": username, "password": password}).to_string())
    };
    let of_hub = options.hub.iter().map(secret);
    let of_processor = options.processor.iter().map(|_| processor_secret());
    SecretsManager::new(of_hub.chain(of_processor).collect::<BTreeMap<_, _>>())
}

/// Creates the topics of the template's mappings that do not exist.
pub(super) async fn create_topics(template: &Template, hub: Option<&Hub>) -> Result<(), StartError> {
    let Some(Hub { client: HubClient::Kafka(cluster), .. }) = hub else { return Ok(()) };
    for mapping in &template.mappings {
        let MappingSource::Kafka(source) = &mapping.source else { continue };
        let created = async {
            match cluster.topic(&source.topic).await? {
                Some(_) => Ok(()),
                None => cluster.create_topic(&source.topic, TOPIC_PARTITIONS).await,
            }
        };
        created.await.map_err(|error: KafkaError| StartError::Resource {
            template: template.path().to_owned(),
            line: mapping.line,
            resource: mapping.id.clone(),
            reason: error.to_string(),
        })?;
    }
    Ok(())
}

/// Declares what is missing of the exchanges and queues that functions of the template publish to.
pub(super) async fn declare_queues(template: &Template, hub: Option<&Hub>, kind: QueueKind) -> Result<(), StartError> {
    let Some(hub) = hub.filter(|hub| hub.kind() == HubKind::RabbitMq) else { return Ok(()) };
    for function in &template.functions {
        let declared = declare_missing(&hub.url, function, kind).await;
        declared.map_err(|error| StartError::Hub { hub: hub.kind(), reason: error.to_string() })?;
    }
    Ok(())
}
