//! Configuration of the outbox relay for RabbitMQ. The relay itself is in `crates/outbox-relay`.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod config;

pub use config::Config;
