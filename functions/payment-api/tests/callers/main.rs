//! Callers of the Payments API as API Gateway's authorizers report them, in both API flavours.
#![allow(missing_docs, clippy::unwrap_used)]

mod audit;
mod events;
mod owners;
