//! Test doubles for the ports, and the suite that every [`PaymentStore`](crate::PaymentStore) must pass.

mod memory;
mod publisher;
pub mod store_suite;
mod twice_written;

pub use memory::MemoryPayments;
pub use publisher::RecordingPublisher;
pub use twice_written::TwiceWritten;
