//! The clients, made as the functions make theirs.

pub(crate) use aws_connection::{dynamodb, shared_config};
pub(crate) use payments_aws::{kinesis_hot_path, kinesis_relay};
