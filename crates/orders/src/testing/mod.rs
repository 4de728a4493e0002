//! Test doubles for the ports, and the suite that every store must pass.

mod memory;
mod quarantine;
pub mod samples;
pub mod store_suite;

pub use memory::{Calls, MemoryOrders};
pub use quarantine::MemoryQuarantine;
