//! Configuration from environment variables.

use telemetry::{InvalidEnvironment, LogLevel, Variables};

/// Configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// `ORDERS_TABLE`: name of the orders table.
    pub orders_table: String,
    /// `QUARANTINE_TABLE`: name of the quarantine table.
    pub quarantine_table: String,
    /// `LOG_LEVEL`: least severe level to log, `info` by default.
    pub log_level: LogLevel,
    /// `AWS_LAMBDA_FUNCTION_NAME`: dimension of the metrics.
    pub function_name: String,
}

impl Config {
    /// Reads the configuration. The error lists every missing or malformed variable.
    pub fn read(mut variables: Variables) -> Result<Self, InvalidEnvironment> {
        let orders_table = variables.required("ORDERS_TABLE", "the name of the orders table");
        let quarantine_table = variables.required("QUARANTINE_TABLE", "the name of the quarantine table");
        let log_level = variables.optional("LOG_LEVEL", "the least severe level to log", LogLevel::INFO);
        let function_name = variables.required("AWS_LAMBDA_FUNCTION_NAME", "the function's name, which Lambda sets");
        match (orders_table, quarantine_table, log_level, function_name) {
            (Some(orders_table), Some(quarantine_table), Some(log_level), Some(function_name)) => {
                Ok(Self { orders_table, quarantine_table, log_level, function_name })
            }
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
        for name in ["ORDERS_TABLE", "QUARANTINE_TABLE", "AWS_LAMBDA_FUNCTION_NAME"] {
            assert!(error.contains(name), "{error}");
        }
    }
}
