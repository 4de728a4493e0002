//! The whole system, end to end: the template that deploys, the function binaries, real sockets. Each test has an
//! environment of its own; or shares what is deployed where `PAYSTREAM_TARGET` says, and so names things as nobody else does.
#![allow(missing_docs, clippy::unwrap_used)]

mod batches;
mod card_numbers;
mod contracts;
mod fuzzed;
mod http_apis;
mod kept;
mod lifecycle;
mod links;
mod ordering;
mod recovery;
mod refusals;
mod synchronous;
mod traces;
