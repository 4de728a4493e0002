//! The client of both APIs that tools and tests share, and their ways to AWS and its emulators.
//!
//! - [`Client`]: requests to Payments and Orders, signed where the [`Target`] asks for it, sent once or until they are decided.
//! - [`Pace`]: retrying and polling with a bound.
//! - [`Signer`]: Signature Version 4.
//! - [`emulator`]: SDK configuration for an emulator.
//! - [`exchange`]: one HTTP request of any kind, its response read in full.
//!
//! Functions have their own, smaller ones: Orders signs its requests to Payments itself.

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
