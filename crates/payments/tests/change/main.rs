//! Tests of [`ChangePayment`] on in-memory adapters.
#![allow(missing_docs, clippy::unwrap_used)]

mod changes;
mod races;
mod refusals;
mod support;
