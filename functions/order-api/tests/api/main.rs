//! The Orders API, called through its router.
#![allow(missing_docs, clippy::unwrap_used)]

mod lists;
mod placing;
mod support;
mod synchronous;
mod values;
