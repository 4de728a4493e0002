//! Tests of the Payments API, which call its router.
#![allow(missing_docs, clippy::unwrap_used)]

mod changes;
mod payments;
mod support;
mod values;
