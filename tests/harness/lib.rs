//! Harness of the end-to-end tests: a whole system per test, called over HTTP. Tests that can run against a deployed
//! stack use the one that `PAYSTREAM_TARGET` selects ([`Paystream::of_target`]).
//!
//! Waiting is bounded polling ([`Paystream::eventually`]): a passing test waits no longer than necessary, and a failing
//! one says what it waited for.

mod answer;
mod client;
mod contract;
mod deployed;
mod environment;
mod faults;
mod host_broker;
mod hub;
mod inspect;
mod log;
mod operating;
mod requests;
mod seeds;
mod stream;
mod target;

pub use answer::Answer;
pub use deployed::outputs_of;
pub use environment::{Paystream, command_line, function_binaries, workspace};
pub use host_broker::HostBroker;
pub use operating::Ran;
pub use requests::{eur, line, order_body, payment_body};
pub use seeds::{run_seeds, variable};
pub use stream::first_appearances;
pub use target::{Need, TestTarget, current_hub, hub_lacks, skip_without};
