//! Client of both APIs for tools and tests, request signing, and SDK configuration for emulators.
//!
//! - [`Client`]: requests to Payments and Orders, signed if the [`Target`] has a signer, sent once or until they are decided.
//! - [`Pace`]: bounded retries and polling.
//! - [`Signer`]: Signature Version 4.
//! - [`emulator`]: SDK configuration for an emulator.
//! - [`exchange`]: one HTTP request and its complete response.
//!
//! Functions do not use this crate: Orders has a smaller client for its requests to Payments.

mod answer;
mod client;
mod emulator;
mod error;
mod exchange;
mod pace;
mod request;
mod sign;

pub use answer::{Answer, Outcome};
pub use client::{Client, Target};
pub use emulator::emulator;
pub use error::ApiError;
pub use exchange::{Bounds, exchange};
pub use pace::{Attempts, Pace};
pub use request::Request;
pub use sign::Signer;
