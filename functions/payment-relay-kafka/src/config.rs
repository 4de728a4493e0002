//! Configuration from environment variables.

use std::str::FromStr;

use aws_connection::Encryption;
use payments_kafka::{Authentication, BootstrapServers, KafkaConfig};
use telemetry::{InvalidEnvironment, LogLevel, Variables};

/// Configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// Cluster and topic, of the variables `KAFKA_BOOTSTRAP_SERVERS`, `KAFKA_TOPIC`, `KAFKA_AUTHENTICATION` (`iam` by
    /// default, `scram-sha-512` or `none`), `HUB_ENCRYPTION` (`tls` by default, or `plaintext`), `HUB_SECRET_ARN` and
    /// `HUB_CA_SECRET_ARN`.
    pub kafka: KafkaConfig,
    /// `RECORD_AGE_MAX_SECONDS`: `MaximumRecordAgeInSeconds` of the event source mapping.
    pub record_age_s_max: u64,
    /// `QUARANTINE_TABLE`: name of Payments' quarantine table.
    pub quarantine_table: String,
    /// `LOG_LEVEL`: least severe level to log, `info` by default.
    pub log_level: LogLevel,
    /// `AWS_LAMBDA_FUNCTION_NAME`: dimension of the metrics.
    pub function_name: String,
}

/// Value of `KAFKA_AUTHENTICATION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AuthenticationName {
    Iam,
    ScramSha512,
    None,
}

#[derive(Debug, thiserror::Error)]
#[error("is neither iam, scram-sha-512 nor none")]
struct UnknownAuthentication;

impl FromStr for AuthenticationName {
    type Err = UnknownAuthentication;

    fn from_str(text: &str) -> Result<Self, UnknownAuthentication> {
        match text {
            "iam" => Ok(Self::Iam),
            "scram-sha-512" => Ok(Self::ScramSha512),
            "none" => Ok(Self::None),
            _ => Err(UnknownAuthentication),
        }
    }
}

/// The only value of `HUB_ENCRYPTION` with IAM: the token must not be readable on the network.
struct TlsOnly;

#[derive(Debug, thiserror::Error)]
#[error("is not tls")]
struct NotTls;

impl FromStr for TlsOnly {
    type Err = NotTls;

    fn from_str(text: &str) -> Result<Self, NotTls> {
        if text == "tls" { Ok(Self) } else { Err(NotTls) }
    }
}

impl Config {
    /// Reads the configuration. The error lists every missing or malformed variable.
    pub fn read(mut variables: Variables) -> Result<Self, InvalidEnvironment> {
        let kafka = kafka(&mut variables);
        let age = "the MaximumRecordAgeInSeconds of the event source mapping";
        let record_age_s_max = variables.required("RECORD_AGE_MAX_SECONDS", age);
        let quarantine_table = variables.required("QUARANTINE_TABLE", "the name of Payments' quarantine table");
        let log_level = variables.optional("LOG_LEVEL", "the least severe level to log", LogLevel::INFO);
        let function_name = variables.required("AWS_LAMBDA_FUNCTION_NAME", "the function's name, which Lambda sets");
        match (kafka, record_age_s_max, quarantine_table, log_level, function_name) {
            (Some(kafka), Some(record_age_s_max), Some(quarantine_table), Some(log_level), Some(function_name)) => {
                Ok(Self { kafka, record_age_s_max, quarantine_table, log_level, function_name })
            }
            _ => Err(variables.into_error()),
        }
    }
}

fn kafka(variables: &mut Variables) -> Option<KafkaConfig> {
    let servers: Option<BootstrapServers> =
        variables.required("KAFKA_BOOTSTRAP_SERVERS", "HOST:PORT,…, the addresses of the cluster");
    let topic = variables.required("KAFKA_TOPIC", "the name of the topic");
    let authentication = authentication(variables);
    let encryption = match authentication {
        Some(Authentication::Iam) => {
            let tls = variables.optional("HUB_ENCRYPTION", "tls, because KAFKA_AUTHENTICATION is iam", TlsOnly);
            tls.map(|TlsOnly| Encryption::Tls)
        }
        _ => variables.optional("HUB_ENCRYPTION", "tls or plaintext", Encryption::Tls),
    };
    let ca_secret_arn = variables.optional("HUB_CA_SECRET_ARN", "the ARN of a secret", String::new());
    Some(KafkaConfig {
        bootstrap_servers: servers?,
        topic: topic?,
        authentication: authentication?,
        encryption: encryption?,
        ca_secret_arn: ca_secret_arn.filter(|arn| !arn.is_empty()),
    })
}

fn authentication(variables: &mut Variables) -> Option<Authentication> {
    let expected = "iam, scram-sha-512 or none";
    match variables.optional("KAFKA_AUTHENTICATION", expected, AuthenticationName::Iam)? {
        AuthenticationName::Iam => Some(Authentication::Iam),
        AuthenticationName::None => Some(Authentication::None),
        AuthenticationName::ScramSha512 => {
            let expected =
                "the ARN of the secret with username and password, because KAFKA_AUTHENTICATION is scram-sha-512";
            Some(Authentication::ScramSha512 { secret_arn: variables.required("HUB_SECRET_ARN", expected)? })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON: [(&str, &str); 5] = [
        ("KAFKA_BOOTSTRAP_SERVERS", "b-1:9098,b-2:9098"),
        ("KAFKA_TOPIC", "payments"),
        ("RECORD_AGE_MAX_SECONDS", "43200"),
        ("QUARANTINE_TABLE", "q"),
        ("AWS_LAMBDA_FUNCTION_NAME", "relay"),
    ];

    fn read(pairs: &[(&str, &str)]) -> Result<Config, String> {
        let variables = pairs.iter().chain(&COMMON).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::read(variables.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_default_is_amazon_msk_with_iam() {
        let Config { kafka, record_age_s_max, .. } = read(&[]).unwrap();
        assert_eq!(kafka.bootstrap_servers.addresses(), ["b-1:9098", "b-2:9098"]);
        assert_eq!((kafka.topic.as_str(), record_age_s_max), ("payments", 43_200));
        assert_eq!(kafka.authentication, Authentication::Iam);
        assert_eq!((kafka.encryption, kafka.ca_secret_arn), (Encryption::Tls, None));
    }

    #[test]
    fn a_self_managed_cluster_has_credentials_and_an_authority_of_its_own() {
        let variables =
            [("KAFKA_AUTHENTICATION", "scram-sha-512"), ("HUB_SECRET_ARN", "arn:s"), ("HUB_CA_SECRET_ARN", "arn:ca")];
        let kafka = read(&variables).unwrap().kafka;
        assert_eq!(kafka.authentication, Authentication::ScramSha512 { secret_arn: "arn:s".to_owned() });
        assert_eq!((kafka.encryption, kafka.ca_secret_arn), (Encryption::Tls, Some("arn:ca".to_owned())));
        let open = read(&[("KAFKA_AUTHENTICATION", "none"), ("HUB_ENCRYPTION", "plaintext")]).unwrap().kafka;
        assert_eq!((open.authentication, open.encryption), (Authentication::None, Encryption::Plaintext));
    }

    #[test]
    fn contradictions_and_unknown_values_are_reported() {
        for (variables, part) in [
            (&[("HUB_ENCRYPTION", "plaintext")][..], "HUB_ENCRYPTION is not tls; expected tls, because"),
            (&[("KAFKA_AUTHENTICATION", "scram-sha-512")], "HUB_SECRET_ARN is missing"),
            (&[("KAFKA_AUTHENTICATION", "plain")], "is neither iam, scram-sha-512 nor none"),
            (&[("KAFKA_AUTHENTICATION", "none"), ("HUB_ENCRYPTION", "ssl")], "is neither tls nor plaintext"),
            (&[("KAFKA_BOOTSTRAP_SERVERS", "b-1")], r#"has "b-1", which is not HOST:PORT"#),
        ] {
            let error = read(variables).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn all_missing_variables_are_reported_together() {
        let error = Config::read(Variables::from_iter([])).unwrap_err().to_string();
        for (name, _) in COMMON {
            assert!(error.contains(name), "{error}");
        }
    }
}
