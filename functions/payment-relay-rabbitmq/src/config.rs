//! Configuration from environment variables.

use aws_connection::{Encryption, Trust};
use payments_rabbitmq::{AmqpName, Settings};
use telemetry::{InvalidEnvironment, LogLevel, Variables};

/// Configuration of the function. Its mode is always `stream`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `RABBITMQ_ENDPOINT`, `RABBITMQ_VIRTUAL_HOST`, `RABBITMQ_EXCHANGE`, `RABBITMQ_QUEUE`, `HUB_ENCRYPTION` (`tls` by
    /// default), `HUB_SECRET_ARN`, `HUB_CA_SECRET_ARN` and `TRUST_STORE`.
    pub broker: Settings,
    /// `RECORD_AGE_MAX_SECONDS`: `MaximumRecordAgeInSeconds` of the event source mapping.
    pub record_age_s_max: u64,
    /// `QUARANTINE_TABLE`: name of Payments' quarantine table.
    pub quarantine_table: String,
    /// `LOG_LEVEL`: least severe level to log, `info` by default.
    pub log_level: LogLevel,
    /// `AWS_LAMBDA_FUNCTION_NAME`: dimension of the metrics, and name of the connection to the broker.
    pub function_name: String,
}

impl Config {
    /// Reads the configuration. The error lists every missing or malformed variable.
    pub fn read(mut variables: Variables) -> Result<Self, InvalidEnvironment> {
        let function_name: Option<String> =
            variables.required("AWS_LAMBDA_FUNCTION_NAME", "the function's name, which Lambda sets");
        let broker = broker(&mut variables, function_name.clone().unwrap_or_default());
        let age = "the MaximumRecordAgeInSeconds of the event source mapping";
        let record_age_s_max = variables.required("RECORD_AGE_MAX_SECONDS", age);
        let quarantine_table = variables.required("QUARANTINE_TABLE", "the name of Payments' quarantine table");
        let log_level = variables.optional("LOG_LEVEL", "the least severe level to log", LogLevel::INFO);
        match (broker, record_age_s_max, quarantine_table, log_level, function_name) {
            (Some(broker), Some(record_age_s_max), Some(quarantine_table), Some(log_level), Some(function_name)) => {
                Ok(Self { broker, record_age_s_max, quarantine_table, log_level, function_name })
            }
            _ => Err(variables.into_error()),
        }
    }
}

fn broker(variables: &mut Variables, connection_name: String) -> Option<Settings> {
    let address = variables
        .required("RABBITMQ_ENDPOINT", "the broker's HOST:PORT, such as b-1.mq.eu-central-1.amazonaws.com:5671");
    let mut name = |variable, of| variables.required::<AmqpName>(variable, of);
    let virtual_host = name("RABBITMQ_VIRTUAL_HOST", "the name of the virtual host, such as /");
    let exchange = name("RABBITMQ_EXCHANGE", "the name of the exchange");
    let queue = name("RABBITMQ_QUEUE", "the name of Orders' queue");
    let encryption = variables.optional("HUB_ENCRYPTION", "tls or plaintext", Encryption::Tls);
    let secret_arn =
        variables.optional("HUB_SECRET_ARN", "the ARN of the secret with username and password", String::new());
    let ca_secret_arn =
        variables.optional("HUB_CA_SECRET_ARN", "the ARN of the secret with the certificate", String::new());
    let trust = Trust::read(variables);
    let given = |arn: String| Some(arn).filter(|arn| !arn.is_empty());
    Some(Settings {
        address: address?,
        virtual_host: virtual_host?,
        exchange: exchange?,
        queue: queue?,
        encryption: encryption?,
        secret_arn: given(secret_arn?),
        ca_secret_arn: given(ca_secret_arn?),
        trust: trust?,
        connection_name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: [(&str, &str); 7] = [
        ("RABBITMQ_ENDPOINT", "broker.example:5671"),
        ("RABBITMQ_VIRTUAL_HOST", "/"),
        ("RABBITMQ_EXCHANGE", "payments"),
        ("RABBITMQ_QUEUE", "orders.payments"),
        ("RECORD_AGE_MAX_SECONDS", "43200"),
        ("QUARANTINE_TABLE", "q"),
        ("AWS_LAMBDA_FUNCTION_NAME", "relay"),
    ];

    fn read(more: &[(&str, &str)]) -> Result<Config, String> {
        // The first pair of a name counts.
        let variables = more.iter().chain(&COMPLETE).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::read(variables.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_tls_with_public_roots_and_no_secret() {
        let Config { broker, record_age_s_max, .. } = read(&[]).unwrap();
        assert_eq!((broker.encryption, broker.trust), (Encryption::Tls, Trust::Amazon));
        assert_eq!((broker.secret_arn, broker.ca_secret_arn, record_age_s_max), (None, None, 43_200));
        assert_eq!(broker.connection_name, "relay");
        let secrets =
            [("HUB_SECRET_ARN", "arn:login"), ("HUB_CA_SECRET_ARN", "arn:ca"), ("HUB_ENCRYPTION", "plaintext")];
        let broker = read(&secrets).unwrap().broker;
        assert_eq!(broker.secret_arn.as_deref(), Some("arn:login"));
        assert_eq!(broker.ca_secret_arn.as_deref(), Some("arn:ca"));
        assert_eq!(broker.encryption, Encryption::Plaintext);
    }

    #[test]
    fn all_invalid_variables_are_reported_together() {
        let long = "q".repeat(256);
        let invalid = [
            ("RABBITMQ_ENDPOINT", "amqps://broker.example"),
            ("RABBITMQ_QUEUE", &long),
            ("HUB_ENCRYPTION", "yes"),
            ("RECORD_AGE_MAX_SECONDS", "a day"),
        ];
        let error = read(&invalid).unwrap_err();
        for part in [
            "RABBITMQ_ENDPOINT is not HOST:PORT",
            "RABBITMQ_QUEUE is not 1 to 255 bytes long",
            "HUB_ENCRYPTION is neither tls nor plaintext",
            "RECORD_AGE_MAX_SECONDS",
        ] {
            assert!(error.contains(part), "{error}");
        }
        let error = Config::read(Variables::from_iter([])).unwrap_err().to_string();
        for (name, _) in COMPLETE {
            assert!(error.contains(&format!("{name} is missing")), "{error}");
        }
    }
}
