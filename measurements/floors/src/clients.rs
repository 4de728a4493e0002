//! The clients, made as the functions make theirs.

use aws_connection::Aws;
use aws_types::SdkConfig;
use telemetry::{InvalidEnvironment, Variables};

pub(crate) use aws_connection::dynamodb;
pub(crate) use payments_aws::{kinesis_hot_path, kinesis_relay};

/// What the clients start from.
pub(crate) fn shared_config() -> Result<SdkConfig, InvalidEnvironment> {
    Ok(Aws::from_environment(Variables::of_process())?.config().clone())
}
