//! Hub of a stack, and the publisher to it.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use aws_config::SdkConfig;
use aws_connection::{Encryption, Endpoint, Https, Trust};
use aws_secrets::Secrets;
use payments::EventPublisher;
use payments_kafka::{Authentication, KafkaConfig, KafkaPublisher};
use payments_rabbitmq::{RabbitMqPublisher, Settings};

use crate::{OperationError, Stack};

/// Name of the connection, which RabbitMQ shows.
const CONNECTION_NAME: &str = "paystream-operator";

/// Kind of hub, by the value of the output `Hub`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StackHub {
    /// Kinesis, also for a stack without the output.
    #[default]
    Kinesis,
    /// Kafka.
    Kafka,
    /// `RabbitMQ`.
    RabbitMq,
}

/// Value that is neither `kinesis`, `kafka` nor `rabbitmq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither kinesis, kafka nor rabbitmq")]
pub struct UnknownHub;

impl FromStr for StackHub {
    type Err = UnknownHub;

    fn from_str(text: &str) -> Result<Self, UnknownHub> {
        match text {
            "kinesis" => Ok(Self::Kinesis),
            "kafka" => Ok(Self::Kafka),
            "rabbitmq" => Ok(Self::RabbitMq),
            _ => Err(UnknownHub),
        }
    }
}

/// The connection to a hub is not fully described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// An output is needed and missing.
    #[error(
        "the hub cannot be reached without the stack output {0}: use --stack-outputs FILE of a stack with this hub"
    )]
    Missing(&'static str),
    /// An output or the given address is malformed.
    #[error("{name} {reason}")]
    Invalid {
        /// Name of the output or option.
        name: &'static str,
        /// Reason, as a clause.
        reason: String,
    },
    /// No region is configured.
    #[error("no region is set: set AWS_REGION")]
    NoRegion,
}

/// Settings of the connection to a hub, by the outputs of the stack.
///
/// Credentials are read from the secret that the outputs name, as the relay does.
#[derive(Debug, Clone, Default)]
pub struct HubAccess {
    /// Outputs of the stack, by key.
    pub outputs: BTreeMap<String, String>,
    /// Address of the broker from this machine, instead of the one in the outputs: `HOST:PORT`, for Kafka also several
    /// with commas between them. Kafka's brokers name the addresses for all further connections themselves.
    pub address: Option<String>,
    /// URL of Secrets Manager; `None` on AWS.
    pub secrets_manager_url: Option<String>,
}

impl HubAccess {
    /// Returns the kind of the hub.
    pub fn hub(&self) -> Result<StackHub, HubError> {
        self.given("Hub").map_or(Ok(StackHub::Kinesis), |text| parsed("the stack output Hub", text))
    }

    fn given(&self, key: &str) -> Option<&str> {
        self.outputs.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn required(&self, key: &'static str) -> Result<&str, HubError> {
        self.given(key).ok_or(HubError::Missing(key))
    }

    /// Parses the given address, or else the output.
    fn address<T: FromStr<Err: Display>>(&self, key: &'static str) -> Result<T, HubError> {
        match &self.address {
            Some(address) => parsed("--hub-url", address),
            None => parsed(key, self.required(key)?),
        }
    }

    fn arn(&self, key: &str) -> Option<String> {
        self.given(key).map(str::to_owned)
    }

    /// Returns the settings of Kafka.
    fn kafka(&self) -> Result<KafkaConfig, HubError> {
        let authentication = match self.required("KafkaAuthentication")? {
            "iam" => Authentication::Iam,
            "none" => Authentication::None,
            "scram-sha-512" => Authentication::ScramSha512 { secret_arn: self.required("HubSecretArn")?.to_owned() },
            _ => {
                let reason = "is neither iam, scram-sha-512 nor none".to_owned();
                return Err(HubError::Invalid { name: "KafkaAuthentication", reason });
            }
        };
        Ok(KafkaConfig {
            bootstrap_servers: self.address("KafkaBootstrapServers")?,
            topic: self.required("KafkaTopic")?.to_owned(),
            authentication,
            encryption: self.encryption()?,
            ca_secret_arn: self.arn("HubCaSecretArn"),
        })
    }

    /// Returns the settings of `RabbitMQ`.
    fn rabbitmq(&self) -> Result<Settings, HubError> {
        let name = |key: &'static str| parsed(key, self.required(key)?);
        Ok(Settings {
            address: self.address("RabbitMqEndpoint")?,
            virtual_host: name("RabbitMqVirtualHost")?,
            exchange: name("RabbitMqExchange")?,
            queue: name("RabbitMqQueue")?,
            encryption: self.encryption()?,
            secret_arn: self.arn("HubSecretArn"),
            ca_secret_arn: self.arn("HubCaSecretArn"),
            trust: Trust::System,
            connection_name: CONNECTION_NAME.to_owned(),
        })
    }

    fn encryption(&self) -> Result<Encryption, HubError> {
        parsed("HubEncryption", self.required("HubEncryption")?)
    }

    fn secrets(&self, aws: &SdkConfig) -> Result<Secrets, HubError> {
        open_secrets(aws, self.secrets_manager_url.as_deref())
    }
}

/// Opens Secrets Manager at a URL; without one, in the configuration's region. There,
/// `AWS_ENDPOINT_URL_SECRETS_MANAGER` and `AWS_ENDPOINT_URL` override the endpoint, as they do for the SDK.
pub fn open_secrets(aws: &SdkConfig, url: Option<&str>) -> Result<Secrets, HubError> {
    let variables = ["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"];
    let overridden = || variables.into_iter().find_map(|name| std::env::var(name).ok());
    let url = match url.map(str::to_owned).or_else(overridden) {
        Some(url) => url,
        None => Endpoint::SecretsManager.url(aws.region().ok_or(HubError::NoRegion)?.as_ref()),
    };
    Ok(Secrets::at(aws.clone(), Https::new(Trust::System), url))
}

/// Publishers of one stack, each made once, so that an operation keeps one connection.
#[derive(Debug, Default)]
pub(crate) struct HubConnection {
    access: HubAccess,
    kafka: OnceLock<Arc<KafkaPublisher>>,
    rabbitmq: OnceLock<Arc<RabbitMqPublisher>>,
}

impl HubConnection {
    pub(crate) fn new(access: HubAccess) -> Self {
        Self { access, ..Self::default() }
    }

    fn kafka(&self, aws: &SdkConfig) -> Result<Arc<KafkaPublisher>, HubError> {
        if let Some(publisher) = self.kafka.get() {
            return Ok(Arc::clone(publisher));
        }
        let (secrets, config) = (self.access.secrets(aws)?, self.access.kafka()?);
        let publisher = KafkaPublisher::of_operator(aws.clone(), secrets, config);
        Ok(Arc::clone(self.kafka.get_or_init(|| Arc::new(publisher))))
    }

    fn rabbitmq(&self, aws: &SdkConfig) -> Result<Arc<RabbitMqPublisher>, HubError> {
        if let Some(publisher) = self.rabbitmq.get() {
            return Ok(Arc::clone(publisher));
        }
        let publisher = RabbitMqPublisher::new(self.access.rabbitmq()?, self.access.secrets(aws)?);
        Ok(Arc::clone(self.rabbitmq.get_or_init(|| Arc::new(publisher))))
    }
}

fn parsed<T: FromStr<Err: Display>>(name: &'static str, text: &str) -> Result<T, HubError> {
    text.parse().map_err(|error: T::Err| HubError::Invalid { name, reason: error.to_string() })
}

impl Stack {
    /// Returns the kind of the stack's hub.
    pub fn hub(&self) -> Result<StackHub, OperationError> {
        Ok(self.access().hub()?)
    }

    /// True if the outbox positions of payments tell which versions are on the hub. Brokers are published to from the
    /// change stream, which raises no position (docs/adr/0028); a position that is there is of an earlier hub.
    pub(crate) fn keeps_positions(&self) -> Result<bool, OperationError> {
        Ok(self.hub()? == StackHub::Kinesis)
    }

    /// Returns the publisher to the hub. It connects at the first event.
    pub fn publisher(&self) -> Result<Arc<dyn EventPublisher>, OperationError> {
        Ok(match self.hub()? {
            StackHub::Kinesis => Arc::new(self.kinesis_publisher()?),
            StackHub::Kafka => self.kafka_publisher()?,
            StackHub::RabbitMq => self.rabbitmq_publisher()?,
        })
    }

    /// Returns the name of the topic of a stack over Kafka.
    pub(crate) fn kafka_topic(&self) -> Result<&str, OperationError> {
        Ok(self.access().required("KafkaTopic")?)
    }

    /// Returns the publisher to the topic of a stack over Kafka.
    pub(crate) fn kafka_publisher(&self) -> Result<Arc<KafkaPublisher>, OperationError> {
        Ok(self.connection().kafka(self.aws())?)
    }

    /// Returns the publisher to the exchange of a stack over `RabbitMQ`.
    pub(crate) fn rabbitmq_publisher(&self) -> Result<Arc<RabbitMqPublisher>, OperationError> {
        Ok(self.connection().rabbitmq(self.aws())?)
    }

    fn access(&self) -> &HubAccess {
        &self.connection().access
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(outputs: &[(&str, &str)]) -> HubAccess {
        let outputs = outputs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        HubAccess { outputs, ..HubAccess::default() }
    }

    const KAFKA: [(&str, &str); 5] = [
        ("Hub", "kafka"),
        ("HubEncryption", "tls"),
        ("KafkaBootstrapServers", "b-1:9096,b-2:9096"),
        ("KafkaAuthentication", "scram-sha-512"),
        ("KafkaTopic", "payments"),
    ];

    #[test]
    fn a_stack_without_the_output_is_on_kinesis() {
        assert_eq!(access(&[]).hub(), Ok(StackHub::Kinesis));
        assert_eq!(access(&KAFKA).hub(), Ok(StackHub::Kafka));
        let error = access(&[("Hub", "nats")]).hub().unwrap_err().to_string();
        assert_eq!(error, "the stack output Hub is neither kinesis, kafka nor rabbitmq");
    }

    #[test]
    fn kafka_is_reached_as_the_outputs_say() {
        assert_eq!(access(&KAFKA).kafka(), Err(HubError::Missing("HubSecretArn")));
        let mut outputs = KAFKA.to_vec();
        outputs.extend([("HubSecretArn", "arn:s"), ("HubCaSecretArn", "arn:ca")]);
        let mut access = access(&outputs);
        let kafka = access.kafka().unwrap();
        assert_eq!(kafka.bootstrap_servers.addresses(), ["b-1:9096", "b-2:9096"]);
        assert_eq!(kafka.authentication, Authentication::ScramSha512 { secret_arn: "arn:s".to_owned() });
        assert_eq!((kafka.encryption, kafka.ca_secret_arn), (Encryption::Tls, Some("arn:ca".to_owned())));
        access.address = Some("127.0.0.1:9096".to_owned());
        assert_eq!(access.kafka().unwrap().bootstrap_servers.addresses(), ["127.0.0.1:9096"]);
        access.address = Some("kafka://b-1".to_owned());
        assert!(access.kafka().unwrap_err().to_string().starts_with("--hub-url has"));
    }

    #[test]
    fn rabbitmq_is_reached_as_the_outputs_say() {
        let outputs = [
            ("Hub", "rabbitmq"),
            ("HubEncryption", "plaintext"),
            ("RabbitMqEndpoint", "broker:5671"),
            ("RabbitMqVirtualHost", "/"),
            ("RabbitMqExchange", "payments"),
            ("RabbitMqQueue", "orders.payments"),
        ];
        let mut access = access(&outputs);
        access.address = Some("127.0.0.1:5672".to_owned());
        let settings = access.rabbitmq().unwrap();
        assert_eq!(
            (settings.address.to_string().as_str(), settings.queue.as_str()),
            ("127.0.0.1:5672", "orders.payments")
        );
        assert_eq!((settings.secret_arn, settings.encryption), (None, Encryption::Plaintext));
        access.outputs.remove("RabbitMqQueue");
        let error = access.rabbitmq().unwrap_err().to_string();
        assert!(error.contains("the stack output RabbitMqQueue"), "{error}");
    }
}
