//! Values of the template's parameters that connect a stack to a hub on this machine.

use std::collections::BTreeMap;

use super::HubKind;

/// Secret with the credentials of the hub. The environment's Secrets Manager has it.
pub(crate) const HUB_SECRET_ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:paystream-hub-LocaL1";
/// Amazon MQ broker for which the local broker stands.
const BROKER_ARN: &str = "arn:aws:mq:us-east-1:000000000000:broker:paystream:b-local";

/// Returns the values for a hub at `address` (`HOST:PORT`). They take the place of the template's defaults; values that
/// the caller gives take precedence.
pub(crate) fn local_parameters(hub: HubKind, address: &str) -> BTreeMap<String, String> {
    let values: &[(&str, &str)] = match hub {
        HubKind::Kinesis => &[],
        HubKind::Kafka => &[
            ("PublishMode", "stream"),
            ("HubEncryption", "plaintext"),
            ("KafkaBootstrapServers", address),
            ("KafkaAuthentication", "none"),
        ],
        HubKind::RabbitMq => &[
            ("PublishMode", "stream"),
            ("HubEncryption", "plaintext"),
            ("HubSecretArn", HUB_SECRET_ARN),
            ("RabbitMqBrokerArn", BROKER_ARN),
            ("RabbitMqEndpoint", address),
        ],
    };
    values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
