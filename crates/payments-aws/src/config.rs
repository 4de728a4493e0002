//! What the functions of Payments are told by their environment.

use telemetry::{InvalidEnvironment, LogLevel, Variables};

/// The configuration that `payment-api` and `payment-relay` share: they write one table and one stream.
#[derive(Debug, Clone)]
pub struct Config {
    /// `PAYMENTS_TABLE`: the name of the payments table.
    pub payments_table: String,
    /// `PAYMENT_STREAM`: the name of the Kinesis stream.
    pub payment_stream: String,
    /// `PAYMENT_LEASE_MS`: how long one request may work on a payment before a retry takes over, in milliseconds; 10,000 by
    /// default. `payment-relay` has no use for it.
    pub lease_ms: u64,
    /// `LOG_LEVEL`: the least severe level to log, `info` by default.
    pub log_level: LogLevel,
    /// `AWS_LAMBDA_FUNCTION_NAME`: what metrics are counted under.
    pub function_name: String,
}

/// The timeout of `payment-api` in the template.
const LEASE_MS: u64 = 10_000;

impl Config {
    /// Reads all of it, or says all that is wrong.
    pub fn read(mut variables: Variables) -> Result<Self, InvalidEnvironment> {
        let payments_table = variables.required("PAYMENTS_TABLE", "the name of the payments table");
        let payment_stream = variables.required("PAYMENT_STREAM", "the name of the Kinesis stream");
        let lease_ms = variables.optional("PAYMENT_LEASE_MS", "a number of milliseconds", LEASE_MS);
        let log_level = variables.optional("LOG_LEVEL", "the least severe level to log", LogLevel::INFO);
        let function_name = variables.required("AWS_LAMBDA_FUNCTION_NAME", "the function's name, which Lambda sets");
        match (payments_table, payment_stream, lease_ms, log_level, function_name) {
            (Some(payments_table), Some(payment_stream), Some(lease_ms), Some(log_level), Some(function_name)) => {
                Ok(Self { payments_table, payment_stream, lease_ms, log_level, function_name })
            }
            _ => Err(variables.into_error()),
        }
    }
}
