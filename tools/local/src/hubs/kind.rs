//! Kinds of hubs, by the values of the template's parameter `Hub`.

use std::fmt;
use std::str::FromStr;

/// Kind of hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum HubKind {
    /// Kinesis, embedded in the environment.
    #[default]
    Kinesis,
    /// A Kafka cluster.
    Kafka,
    /// A `RabbitMQ` broker.
    RabbitMq,
}

/// Name of a hub that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown hub {0:?}: --parameter Hub is one of kinesis, kafka, rabbitmq")]
pub struct UnknownHub(pub String);

impl HubKind {
    /// Returns the value of the parameter `Hub`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kinesis => "kinesis",
            Self::Kafka => "kafka",
            Self::RabbitMq => "rabbitmq",
        }
    }

    /// Name of the hub in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kinesis => "Kinesis",
            Self::Kafka => "Kafka",
            Self::RabbitMq => "RabbitMQ",
        }
    }
}

impl fmt::Display for HubKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for HubKind {
    type Err = UnknownHub;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let kinds = [Self::Kinesis, Self::Kafka, Self::RabbitMq];
        kinds.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownHub(text.to_owned()))
    }
}
