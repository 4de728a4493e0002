//! The harness of the end-to-end tests: a whole Paystream for each test, spoken to over HTTP as a client would; or the one that
//! `PAYSTREAM_TARGET` says, for those that can do with it ([`Paystream::of_target`]).
//!
//! Waiting is polling with a bound ([`Paystream::eventually`]): a test that passes never waits longer than it must, and
//! one that fails says what it waited for.

mod answer;
mod client;
mod contract;
mod deployed;
mod environment;
mod faults;
mod inspect;
mod log;
mod operating;
mod requests;
mod stream;
mod target;

pub use answer::Answer;
pub use deployed::outputs_of;
pub use environment::{Paystream, command_line, function_binaries, workspace};
pub use operating::Ran;
pub use requests::{eur, line, order_body, payment_body};
pub use target::{Need, Target, skip_without};
