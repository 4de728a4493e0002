//! What the function is told by its environment.

use telemetry::{InvalidEnvironment, LogLevel, Variables};

/// The function's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// `ORDERS_TABLE`: the name of the orders table.
    pub orders_table: String,
    /// `LOG_LEVEL`: the least severe level to log, `info` by default.
    pub log_level: LogLevel,
}

impl Config {
    /// Reads all of it, or says all that is wrong.
    pub fn read(mut variables: Variables) -> Result<Self, InvalidEnvironment> {
        let orders_table = variables.required("ORDERS_TABLE", "the name of the orders table");
        let log_level = variables.optional("LOG_LEVEL", "the least severe level to log", LogLevel::INFO);
        match (orders_table, log_level) {
            (Some(orders_table), Some(log_level)) => Ok(Self { orders_table, log_level }),
            _ => Err(variables.into_error()),
        }
    }
}
