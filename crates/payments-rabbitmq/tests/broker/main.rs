//! The publisher on a real broker: `hubs/host/rabbitmq start`. Without one, the tests are skipped.
#![allow(missing_docs, clippy::unwrap_used)]

mod connections;
mod faults;
mod misconfigured;
mod proxy;
mod publishing;
mod support;
