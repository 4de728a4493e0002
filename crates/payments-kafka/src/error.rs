//! Errors of Kafka, each with the remedy.

use std::time::Duration;

use aws_connection::InvalidCa;
use aws_secrets::SecretError;

use crate::Authentication;

/// Kafka cannot be used, or did not acknowledge records.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// A secret could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The certificate authority is unusable.
    #[error("the certificate authority in the secret {arn} is unusable: {error}")]
    Authority {
        /// ARN of the secret.
        arn: String,
        /// Cause.
        error: InvalidCa,
    },
    /// There was no connection within the limit.
    #[error(
        "Kafka at {servers} did not answer within {limit:?}; check the address, and that the security groups of function \
         and cluster allow the port"
    )]
    NoAnswer {
        /// Bootstrap servers.
        servers: String,
        /// Time limit.
        limit: Duration,
    },
    /// The connection failed.
    #[error("no connection to Kafka at {servers}: {error}; {remedy}")]
    Connection {
        /// Bootstrap servers.
        servers: String,
        /// Error of the client.
        error: String,
        /// Remedy, as an instruction.
        remedy: &'static str,
    },
    /// The topic is not among those that the cluster lists.
    #[error(
        "the cluster at {servers} has no topic {topic:?}, or hides it; create it, or allow this identity to describe it \
         (kafka-cluster:DescribeTopic, or the ACL operation Describe)"
    )]
    NoTopic {
        /// Bootstrap servers.
        servers: String,
        /// Name of the topic.
        topic: String,
    },
    /// Records were sent and not acknowledged within the limit.
    #[error("partition {partition} of topic {topic:?} acknowledged nothing within {limit:?}; records are sent again")]
    NotAcknowledged {
        /// Name of the topic.
        topic: String,
        /// Partition.
        partition: usize,
        /// Time limit.
        limit: Duration,
    },
    /// Records were not accepted.
    #[error("partition {partition} of topic {topic:?} did not accept records: {error}; {remedy}")]
    NotAccepted {
        /// Name of the topic.
        topic: String,
        /// Partition.
        partition: usize,
        /// Error of the client.
        error: String,
        /// Remedy, as an instruction.
        remedy: &'static str,
    },
    /// The time for the batch ended before all records were sent.
    #[error("not sent within {limit:?}, the limit of one batch")]
    OutOfTime {
        /// Time limit.
        limit: Duration,
    },
}

/// Returns the remedy for an error of the client. It reports failed connections as text only.
pub(crate) fn remedy(error: &str, authentication: &Authentication) -> &'static str {
    let remedies = [
        (
            "invalid peer certificate: NotValidForName",
            "the broker's certificate is for another name; use an address in it",
        ),
        (
            "invalid peer certificate",
            "the broker's certificate is not signed by a trusted authority; name its authority in HubCaSecretArn",
        ),
        ("InvalidContentType", "the port is not one for TLS; check the port, and HubEncryption"),
        (
            "UnsupportedSaslMechanism",
            "the port does not offer this authentication; check the port, and KafkaAuthentication",
        ),
        (
            "unsupported sasl mechanism",
            "the port does not offer this authentication; check the port, and KafkaAuthentication",
        ),
        ("IllegalSaslState", "the port expects no credentials; check the port, and KafkaAuthentication"),
        (
            "AuthorizationFailed",
            "allow this identity to write to the topic (kafka-cluster:WriteData, or the ACL operation Write)",
        ),
        ("NotEnoughReplicas", "fewer replicas are in sync than min.insync.replicas demands; check the brokers"),
        ("Connection refused", "check host and port in KafkaBootstrapServers, and that the broker runs"),
        ("lookup", "check the host in KafkaBootstrapServers, and the DNS of the function's VPC"),
        (
            "eof",
            "the broker ended the connection; check that the port is for this HubEncryption and KafkaAuthentication",
        ),
        (
            "larger than",
            "the answer is not Kafka's; check that the port is for this HubEncryption and KafkaAuthentication",
        ),
    ];
    if error.contains("SaslAuthenticationFailed") || error.contains("server failed the authentication") {
        return match authentication {
            Authentication::Iam => "allow the function's role kafka-cluster:Connect on the cluster",
            _ => "check username and password in the secret, and that the cluster has this user for SCRAM-SHA-512",
        };
    }
    let known = remedies.into_iter().find(|(part, _)| error.contains(part));
    known.map_or("if it persists, check the cluster", |(_, remedy)| remedy)
}
