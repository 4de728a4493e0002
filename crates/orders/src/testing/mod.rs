//! Test doubles of the ports, sample data, and the test suite that every store must pass.

mod lookup;
mod memory;
mod project;
pub mod samples;
pub mod store_suite;

pub use lookup::MemoryPayments;
pub use memory::{Calls, MemoryOrders};
