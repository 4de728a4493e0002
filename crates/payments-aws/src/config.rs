//! What the functions of Payments are told by their environment.

use telemetry::{InvalidEnvironment, LogLevel, Variables};

/// The configuration that `payment-api` and `payment-relay` share: they write one table and one stream.
#[derive(Debug, Clone)]
pub struct Config {
    /// `PAYMENTS_TABLE`: the name of the payments table.
    pub payments_table: String,
    /// `PAYMENT_STREAM`: the name of the Kinesis stream.
    pub payment_stream: String,
    /// `LOG_LEVEL`: the least severe level to log, `info` by default.
    pub log_level: LogLevel,
}

impl Config {
    /// Reads all of it, or says all that is wrong.
    pub fn read(mut variables: Variables) -> Result<Self, InvalidEnvironment> {
        let payments_table = variables.required("PAYMENTS_TABLE", "the name of the payments table");
        let payment_stream = variables.required("PAYMENT_STREAM", "the name of the Kinesis stream");
        let log_level = variables.optional("LOG_LEVEL", "the least severe level to log", LogLevel::INFO);
        match (payments_table, payment_stream, log_level) {
            (Some(payments_table), Some(payment_stream), Some(log_level)) => {
                Ok(Self { payments_table, payment_stream, log_level })
            }
            _ => Err(variables.into_error()),
        }
    }
}
