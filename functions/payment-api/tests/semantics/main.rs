//! Semantics of the Payments API, in both flavours of API Gateway: expected values of single requests, and random
//! sequences of requests that are compared with a model.
//!
//! `PAYSTREAM_SEQUENCES` sets the number of sequences, and `PROPTEST_RNG_SEED` their seed.
#![allow(missing_docs, clippy::unwrap_used)]

mod failing_store;
mod flavours;
mod keys;
mod model;
mod preconditions;
mod refusals;
mod requests;
mod sequences;
