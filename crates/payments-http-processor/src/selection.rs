//! Choice of the payment processor by the environment: the simulator, or one over HTTP.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use aws_connection::{Aws, Https, Trust};
use aws_sdk_dynamodb::Client;
use aws_secrets::Secrets;
use payments::{PaymentProcessor, SimulatedProcessor};
use payments_aws::SimulatorTable;
use telemetry::Variables;

use crate::{ApiKeys, HttpProcessor, ProcessorUrl};

const SIMULATOR_TABLE: &str = "PROCESSOR_SIMULATOR_TABLE";
const URL: &str = "PROCESSOR_URL";
const SECRET_ARN: &str = "PROCESSOR_SECRET_ARN";

/// Time limit of connecting to the processor, TLS handshake included.
const CONNECT_MAX: Duration = Duration::from_millis(1_500);
/// Time limit of one of two attempts at reading the API key.
const SECRET_ATTEMPT_MAX: Duration = Duration::from_millis(900);

/// Configuration of the payment processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessorConfig {
    /// The simulator, which moves no money.
    Simulator {
        /// `PROCESSOR_SIMULATOR_TABLE`: name of the simulator's table.
        table: String,
    },
    /// A processor over HTTP.
    Http {
        /// `PROCESSOR_URL`: base URL of the processor.
        url: ProcessorUrl,
        /// `PROCESSOR_SECRET_ARN`: ARN of the secret `{"api_key": "…"}`.
        secret_arn: String,
    },
}

/// Value of a variable that must not be set: every text is malformed.
struct Unset;

#[derive(Debug, thiserror::Error)]
#[error("is set")]
struct IsSet;

impl FromStr for Unset {
    type Err = IsSet;

    fn from_str(_: &str) -> Result<Self, IsSet> {
        Err(IsSet)
    }
}

impl ProcessorConfig {
    /// Reads the variables of exactly one kind of processor. Records a problem for each variable that is missing,
    /// malformed, or of the other kind.
    pub fn read(variables: &mut Variables) -> Option<Self> {
        let table =
            variables.optional(SIMULATOR_TABLE, "the name of the simulated processor's table", String::new())?;
        if table.is_empty() {
            let expected = "the base URL of the payment processor, https://…; or for the simulator \
                            PROCESSOR_SIMULATOR_TABLE, and neither PROCESSOR_URL nor PROCESSOR_SECRET_ARN";
            let url = variables.required(URL, expected);
            let secret_arn =
                variables.required(SECRET_ARN, r#"the ARN of the secret {"api_key": "…"} for PROCESSOR_URL"#);
            return Some(Self::Http { url: url?, secret_arn: secret_arn? });
        }
        let absent = [URL, SECRET_ARN].map(|name| {
            let expected = "no value, because PROCESSOR_SIMULATOR_TABLE selects the simulator";
            variables.optional(name, expected, Unset)
        });
        absent.iter().all(Option::is_some).then_some(Self::Simulator { table })
    }

    /// Creates the processor, and connects to it. `dynamodb` is for the simulator's table.
    pub async fn connect(self, aws: &Aws, dynamodb: &Client) -> Arc<dyn PaymentProcessor> {
        match self {
            Self::Simulator { table } => {
                Arc::new(SimulatedProcessor::new(Arc::new(SimulatorTable::new(dynamodb.clone(), table))))
            }
            Self::Http { url, secret_arn } => {
                // A processor's certificate authority is not Amazon's.
                let https = Https::connecting_within(Trust::System, CONNECT_MAX);
                let keys = ApiKeys::new(Secrets::within(aws, SECRET_ATTEMPT_MAX), secret_arn);
                let processor = HttpProcessor::new(https, url, keys);
                processor.connect().await;
                Arc::new(processor)
            }
        }
    }
}
