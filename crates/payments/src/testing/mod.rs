//! Test doubles of the ports, and the test suites for every adapter of [`PaymentStore`](crate::PaymentStore) and
//! [`SimulatedCharges`](crate::SimulatedCharges).

mod charges;
pub mod charges_suite;
mod memory;
mod publisher;
pub mod store_suite;
mod twice_written;

pub use charges::MemoryCharges;
pub use memory::MemoryPayments;
pub use publisher::RecordingPublisher;
pub use twice_written::TwiceWritten;
