//! End-to-end tests of the whole system: the deployed template, the function binaries, real sockets. Each test starts
//! its own environment, or shares the stack that `PAYSTREAM_TARGET` selects; its orders and keys have unique names for
//! that reason.
#![allow(missing_docs, clippy::unwrap_used)]

mod batches;
mod card_numbers;
mod contracts;
mod cors;
mod deployments;
mod fuzzed;
mod http_apis;
mod hubs;
mod idempotency;
mod kept;
mod large_orders;
mod lifecycle;
mod links;
mod ordering;
mod poison;
mod preconditions;
mod processor;
mod recovery;
mod refusals;
mod subscribers;
mod synchronous;
mod traces;
mod unreadable;
mod values;
