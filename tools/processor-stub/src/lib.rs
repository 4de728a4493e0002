//! A payment processor for tests and for the local environment. It speaks the generic API of docs/processor.md, keeps
//! its charges by idempotency key, and misbehaves on request. It moves no money.

mod api;
mod ledger;
mod misbehaviour;
mod server;

pub use ledger::{Charge, Entry, Event, Ledger};
pub use misbehaviour::Misbehaviour;
pub use server::{Request, Stub};

/// API key of a stub that was started without another: the key that `paystream up --processor` puts in its secret.
pub const API_KEY: &str = "local-processor-key";
