//! The adapter against the stub, over real sockets.
#![allow(missing_docs, clippy::unwrap_used)]

mod api_key;
mod misbehaviours;
mod world;
