//! Configuration from environment variables.

use http_requests::AllowedOrigins;
use payments::PublishModeName;
use payments_http_processor::selection::ProcessorConfig;
use telemetry::{InvalidEnvironment, LogLevel, Variables};

use crate::test_tokens::TestTokens;

/// Configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// `PAYMENTS_TABLE`: name of the payments table.
    pub payments_table: String,
    /// Payment processor, of the variables `PROCESSOR_SIMULATOR_TABLE`, or `PROCESSOR_URL` and `PROCESSOR_SECRET_ARN`.
    pub processor: ProcessorConfig,
    /// `PUBLISH_MODE`: mode of the system, `direct` by default.
    pub mode: ModeConfig,
    /// `PAYMENT_LEASE_MS`: time that one request may work on a payment before a retry takes over, in milliseconds. The
    /// default is 10,000.
    pub lease_ms: u64,
    /// `PROCESSOR_TEST_TOKENS`: treatment of the simulator's tokens, `accept` by default.
    pub test_tokens: TestTokens,
    /// `ALLOWED_ORIGINS`: origins whose pages may call the API from a browser. The default is none.
    pub allowed_origins: AllowedOrigins,
    /// `LOG_LEVEL`: least severe level to log. The default is `info`.
    pub log_level: LogLevel,
    /// `AWS_LAMBDA_FUNCTION_NAME`: name of the function, the dimension of its metrics.
    pub function_name: String,
}

/// Mode of the system, with the variable that only one has.
#[derive(Debug, Clone)]
pub enum ModeConfig {
    /// `direct`: each request publishes its version before it returns.
    Direct {
        /// `PAYMENT_STREAM`: name of the Kinesis stream.
        payment_stream: String,
    },
    /// `stream`: the outbox relay alone publishes, and this function has no hub.
    Stream,
}

impl ModeConfig {
    fn read(variables: &mut Variables) -> Option<Self> {
        match variables.optional("PUBLISH_MODE", "direct or stream", PublishModeName::Direct)? {
            PublishModeName::Direct => {
                let payment_stream = variables.required("PAYMENT_STREAM", "the name of the Kinesis stream")?;
                Some(Self::Direct { payment_stream })
            }
            PublishModeName::Stream => Some(Self::Stream),
        }
    }
}

/// Timeout of the function in the template.
const LEASE_MS: u64 = 10_000;

impl Config {
    /// Reads the configuration. The error lists every missing or malformed variable.
    pub fn read(mut variables: Variables) -> Result<Self, InvalidEnvironment> {
        let payments_table = variables.required("PAYMENTS_TABLE", "the name of the payments table");
        let processor = ProcessorConfig::read(&mut variables);
        let mode = ModeConfig::read(&mut variables);
        let lease_ms = variables.optional("PAYMENT_LEASE_MS", "a number of milliseconds", LEASE_MS);
        let test_tokens = variables.optional("PROCESSOR_TEST_TOKENS", "accept or refuse", TestTokens::Accept);
        let allowed_origins =
            variables.optional("ALLOWED_ORIGINS", AllowedOrigins::EXPECTED, AllowedOrigins::default());
        let log_level = variables.optional("LOG_LEVEL", "the least severe level to log", LogLevel::INFO);
        let function_name =
            variables.required("AWS_LAMBDA_FUNCTION_NAME", "the name of the function, which Lambda sets");
        match (payments_table, processor, mode, lease_ms, test_tokens, allowed_origins, log_level, function_name) {
            (
                Some(payments_table),
                Some(processor),
                Some(mode),
                Some(lease_ms),
                Some(test_tokens),
                Some(allowed_origins),
                Some(log_level),
                Some(function_name),
            ) => Ok(Self {
                payments_table,
                processor,
                mode,
                lease_ms,
                test_tokens,
                allowed_origins,
                log_level,
                function_name,
            }),
            _ => Err(variables.into_error()),
        }
    }
}
