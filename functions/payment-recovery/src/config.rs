//! Configuration from environment variables.

use payments_http_processor::selection::ProcessorConfig;
use telemetry::{InvalidEnvironment, LogLevel, Variables};

/// Configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// `PAYMENTS_TABLE`: name of the payments table.
    pub payments_table: String,
    /// `QUARANTINE_TABLE`: name of Payments' quarantine table.
    pub quarantine_table: String,
    /// Payment processor, of the variables `PROCESSOR_SIMULATOR_TABLE`, or `PROCESSOR_URL` and `PROCESSOR_SECRET_ARN`.
    pub processor: ProcessorConfig,
    /// `PAYMENT_LEASE_MS`: time that one request may work on a payment, in milliseconds, as in `payment-api`. The default
    /// is 10,000.
    pub lease_ms: u64,
    /// `RECOVERY_DELAY_SECONDS`: time after the end of its lease at which a payment is due, in seconds. The default is 60.
    pub delay_s: u64,
    /// `LOG_LEVEL`: least severe level to log. The default is `info`.
    pub log_level: LogLevel,
    /// `AWS_LAMBDA_FUNCTION_NAME`: name of the function, the dimension of its metrics.
    pub function_name: String,
}

/// Timeout of `payment-api` in the template.
const LEASE_MS: u64 = 10_000;
const DELAY_S: u64 = 60;

impl Config {
    /// Reads the configuration. The error lists every missing or malformed variable.
    pub fn read(mut variables: Variables) -> Result<Self, InvalidEnvironment> {
        let payments_table = variables.required("PAYMENTS_TABLE", "the name of the payments table");
        let quarantine_table = variables.required("QUARANTINE_TABLE", "the name of Payments' quarantine table");
        let processor = ProcessorConfig::read(&mut variables);
        let lease_ms = variables.optional("PAYMENT_LEASE_MS", "a number of milliseconds", LEASE_MS);
        let delay_s = variables.optional("RECOVERY_DELAY_SECONDS", "a number of seconds", DELAY_S);
        let log_level = variables.optional("LOG_LEVEL", "the least severe level to log", LogLevel::INFO);
        let function_name = variables.required("AWS_LAMBDA_FUNCTION_NAME", "the function's name, which Lambda sets");
        match (payments_table, quarantine_table, processor, lease_ms, delay_s, log_level, function_name) {
            (
                Some(payments_table),
                Some(quarantine_table),
                Some(processor),
                Some(lease_ms),
                Some(delay_s),
                Some(log_level),
                Some(function_name),
            ) => Ok(Self { payments_table, quarantine_table, processor, lease_ms, delay_s, log_level, function_name }),
            _ => Err(variables.into_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_missing_and_malformed_variables_are_reported_together() {
        let variables = [("RECOVERY_DELAY_SECONDS", "soon"), ("PAYMENT_LEASE_MS", "-1")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let error = Config::read(Variables::from_iter(variables)).unwrap_err().to_string();
        for name in [
            "PAYMENTS_TABLE",
            "QUARANTINE_TABLE",
            "PROCESSOR_SIMULATOR_TABLE",
            "PAYMENT_LEASE_MS",
            "RECOVERY_DELAY_SECONDS",
            "AWS_LAMBDA_FUNCTION_NAME",
        ] {
            assert!(error.contains(name), "{error}");
        }
    }
}
