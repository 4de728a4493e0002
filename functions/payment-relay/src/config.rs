//! Configuration from environment variables.

use payments::PublishModeName;
use telemetry::{InvalidEnvironment, LogLevel, Variables};

/// Configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// `PUBLISH_MODE`: mode of the system, `direct` by default.
    pub mode: ModeConfig,
    /// `PAYMENT_STREAM`: name of the Kinesis stream.
    pub payment_stream: String,
    /// `QUARANTINE_TABLE`: name of Payments' quarantine table.
    pub quarantine_table: String,
    /// `LOG_LEVEL`: least severe level to log, `info` by default.
    pub log_level: LogLevel,
    /// `AWS_LAMBDA_FUNCTION_NAME`: dimension of the metrics.
    pub function_name: String,
}

/// Mode of the system, with the variables that only it has.
#[derive(Debug, Clone)]
pub enum ModeConfig {
    /// `direct`: `payment-api` publishes, and the relay publishes the rest.
    Direct {
        /// `PAYMENTS_TABLE`: name of the payments table.
        payments_table: String,
    },
    /// `stream`: the relay alone publishes.
    Stream {
        /// `RECORD_AGE_MAX_SECONDS`: `MaximumRecordAgeInSeconds` of the event source mapping.
        record_age_s_max: u64,
    },
}

impl ModeConfig {
    fn read(variables: &mut Variables) -> Option<Self> {
        match variables.optional("PUBLISH_MODE", "direct or stream", PublishModeName::Direct)? {
            PublishModeName::Direct => {
                let payments_table = variables.required("PAYMENTS_TABLE", "the name of the payments table")?;
                Some(Self::Direct { payments_table })
            }
            PublishModeName::Stream => {
                let age = "the MaximumRecordAgeInSeconds of the event source mapping";
                Some(Self::Stream { record_age_s_max: variables.required("RECORD_AGE_MAX_SECONDS", age)? })
            }
        }
    }
}

impl Config {
    /// Reads the configuration. The error lists every missing or malformed variable.
    pub fn read(mut variables: Variables) -> Result<Self, InvalidEnvironment> {
        let mode = ModeConfig::read(&mut variables);
        let payment_stream = variables.required("PAYMENT_STREAM", "the name of the Kinesis stream");
        let quarantine_table = variables.required("QUARANTINE_TABLE", "the name of Payments' quarantine table");
        let log_level = variables.optional("LOG_LEVEL", "the least severe level to log", LogLevel::INFO);
        let function_name = variables.required("AWS_LAMBDA_FUNCTION_NAME", "the function's name, which Lambda sets");
        match (mode, payment_stream, quarantine_table, log_level, function_name) {
            (Some(mode), Some(payment_stream), Some(quarantine_table), Some(log_level), Some(function_name)) => {
                Ok(Self { mode, payment_stream, quarantine_table, log_level, function_name })
            }
            _ => Err(variables.into_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, String> {
        let common = [("PAYMENT_STREAM", "s"), ("QUARANTINE_TABLE", "q"), ("AWS_LAMBDA_FUNCTION_NAME", "relay")];
        let variables = pairs.iter().chain(&common).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::read(variables.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn each_mode_requires_its_own_variables() {
        for direct in [&[("PAYMENTS_TABLE", "p")][..], &[("PUBLISH_MODE", "direct"), ("PAYMENTS_TABLE", "p")]] {
            assert!(matches!(read(direct).unwrap().mode, ModeConfig::Direct { .. }), "{direct:?}");
        }
        let stream = read(&[("PUBLISH_MODE", "stream"), ("RECORD_AGE_MAX_SECONDS", "43200")]).unwrap();
        assert!(matches!(stream.mode, ModeConfig::Stream { record_age_s_max: 43_200 }));
        let without_age = read(&[("PUBLISH_MODE", "stream"), ("PAYMENTS_TABLE", "p")]).unwrap_err();
        assert!(without_age.contains("RECORD_AGE_MAX_SECONDS is missing"), "{without_age}");
        assert!(read(&[("PUBLISH_MODE", "both")]).unwrap_err().contains("PUBLISH_MODE is neither direct nor stream"));
    }

    #[test]
    fn all_missing_variables_are_reported_together() {
        let error = Config::read(Variables::from_iter([])).unwrap_err().to_string();
        for name in ["PAYMENTS_TABLE", "PAYMENT_STREAM", "QUARANTINE_TABLE", "AWS_LAMBDA_FUNCTION_NAME"] {
            assert!(error.contains(name), "{error}");
        }
    }
}
