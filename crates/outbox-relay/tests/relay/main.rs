//! Tests of the relay, with batches in the format of DynamoDB Streams.
#![allow(missing_docs, clippy::unwrap_used)]

mod deadline;
mod direct;
mod rejected;
mod stream;
mod support;
