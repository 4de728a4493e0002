//! Test doubles of the ports, sample data, and the test suite that every store must pass.

// Nothing here deploys: a panic fails a test.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

mod lookup;
mod memory;
mod project;
pub mod samples;
pub mod store_suite;

pub use lookup::MemoryPayments;
pub use memory::{Calls, MemoryOrders};
