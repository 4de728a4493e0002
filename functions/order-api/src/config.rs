//! Configuration from environment variables.

use std::str::FromStr;

use aws_connection::Trust;
use http_requests::AllowedOrigins;
use orders_aws::PaymentsUrl;
use telemetry::{InvalidEnvironment, LogLevel, Variables};

/// Configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// `ORDERS_TABLE`: name of the orders table.
    pub orders_table: String,
    /// `PAYMENT_LOOKUP` and `PAYMENTS_URL`: source of an order's payments.
    pub payments: Payments,
    /// `ALLOWED_ORIGINS`: origins whose pages may call the API from a browser, none by default.
    pub allowed_origins: AllowedOrigins,
    /// `LOG_LEVEL`: least severe level to log, `info` by default.
    pub log_level: LogLevel,
}

/// Source of an order's payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payments {
    /// The read model.
    Local,
    /// The Payments API at this URL, called while the request waits. [`Trust`] selects the accepted certificates.
    Remote(PaymentsUrl, Trust),
}

/// Values of `PAYMENT_LOOKUP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lookup {
    Local,
    Remote,
}

#[derive(Debug, thiserror::Error)]
#[error("is neither local nor remote")]
struct UnknownLookup;

impl FromStr for Lookup {
    type Err = UnknownLookup;

    fn from_str(text: &str) -> Result<Self, UnknownLookup> {
        match text {
            "local" => Ok(Self::Local),
            "remote" => Ok(Self::Remote),
            _ => Err(UnknownLookup),
        }
    }
}

impl Config {
    /// Reads the configuration. The error lists every missing or malformed variable.
    pub fn read(mut variables: Variables) -> Result<Self, InvalidEnvironment> {
        let orders_table = variables.required("ORDERS_TABLE", "the name of the orders table");
        let lookup = variables.optional("PAYMENT_LOOKUP", "local, or remote to call the Payments API", Lookup::Local);
        let payments = lookup.and_then(|lookup| match lookup {
            Lookup::Local => Some(Payments::Local),
            Lookup::Remote => {
                let url = variables.required("PAYMENTS_URL", "the base URL of the Payments API");
                let trust = Trust::read(&mut variables);
                Some(Payments::Remote(url?, trust?))
            }
        });
        let allowed_origins =
            variables.optional("ALLOWED_ORIGINS", AllowedOrigins::EXPECTED, AllowedOrigins::default());
        let log_level = variables.optional("LOG_LEVEL", "the least severe level to log", LogLevel::INFO);
        match (orders_table, payments, allowed_origins, log_level) {
            (Some(orders_table), Some(payments), Some(allowed_origins), Some(log_level)) => {
                Ok(Self { orders_table, payments, allowed_origins, log_level })
            }
            _ => Err(variables.into_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, String> {
        let table = [("ORDERS_TABLE", "orders")];
        let variables = pairs.iter().chain(&table).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::read(variables.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn payments_are_looked_up_locally_by_default() {
        let url = "https://a1b2.execute-api.eu-central-1.amazonaws.com/dev";
        for local in [&[][..], &[("PAYMENT_LOOKUP", "local")], &[("PAYMENTS_URL", "nonsense")]] {
            assert_eq!(read(local).unwrap().payments, Payments::Local);
        }
        let remote = read(&[("PAYMENT_LOOKUP", "remote"), ("PAYMENTS_URL", url)]).unwrap();
        assert_eq!(remote.payments, Payments::Remote(url.parse().unwrap(), Trust::Amazon));
    }

    #[test]
    fn malformed_variables_are_reported_with_the_expected_value() {
        for (pairs, expected) in [
            (&[("PAYMENT_LOOKUP", "remote")][..], "PAYMENTS_URL is missing; expected the base URL of the Payments API"),
            (
                &[("PAYMENT_LOOKUP", "remote"), ("PAYMENTS_URL", "payments")],
                "PAYMENTS_URL is not an http:// or https:// URL",
            ),
            (
                &[("ALLOWED_ORIGINS", "https://shop.example.com/")],
                "ALLOWED_ORIGINS is not a list of origins; expected origins separated by commas",
            ),
            (&[("PAYMENT_LOOKUP", "both")], "PAYMENT_LOOKUP is neither local nor remote; expected local, or remote to"),
        ] {
            let error = read(pairs).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
