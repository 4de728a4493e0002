//! Test doubles of the ports, and the test suite for every [`PaymentStore`](crate::PaymentStore).

mod memory;
mod publisher;
pub mod store_suite;
mod twice_written;

pub use memory::MemoryPayments;
pub use publisher::RecordingPublisher;
pub use twice_written::TwiceWritten;
