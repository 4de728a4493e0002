//! Configuration from environment variables.

use telemetry::{InvalidEnvironment, LogLevel, Variables};

/// Configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// `PAYMENTS_TABLE`: name of the payments table.
    pub payments_table: String,
    /// `PAYMENT_STREAM`: name of the Kinesis stream.
    pub payment_stream: String,
    /// `QUARANTINE_TABLE`: name of Payments' quarantine table.
    pub quarantine_table: String,
    /// `LOG_LEVEL`: least severe level to log, `info` by default.
    pub log_level: LogLevel,
    /// `AWS_LAMBDA_FUNCTION_NAME`: dimension of the metrics.
    pub function_name: String,
}

impl Config {
    /// Reads the configuration. The error lists every missing or malformed variable.
    pub fn read(mut variables: Variables) -> Result<Self, InvalidEnvironment> {
        let payments_table = variables.required("PAYMENTS_TABLE", "the name of the payments table");
        let payment_stream = variables.required("PAYMENT_STREAM", "the name of the Kinesis stream");
        let quarantine_table = variables.required("QUARANTINE_TABLE", "the name of Payments' quarantine table");
        let log_level = variables.optional("LOG_LEVEL", "the least severe level to log", LogLevel::INFO);
        let function_name = variables.required("AWS_LAMBDA_FUNCTION_NAME", "the function's name, which Lambda sets");
        match (payments_table, payment_stream, quarantine_table, log_level, function_name) {
            (
                Some(payments_table),
                Some(payment_stream),
                Some(quarantine_table),
                Some(log_level),
                Some(function_name),
            ) => Ok(Self { payments_table, payment_stream, quarantine_table, log_level, function_name }),
            _ => Err(variables.into_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_missing_variables_are_reported_together() {
        let error = Config::read(Variables::from_iter([])).unwrap_err().to_string();
        for name in ["PAYMENTS_TABLE", "PAYMENT_STREAM", "QUARANTINE_TABLE", "AWS_LAMBDA_FUNCTION_NAME"] {
            assert!(error.contains(name), "{error}");
        }
    }
}
