//! AWS adapters of Payments: the payments table in DynamoDB, the publisher to Kinesis, and the charges
//! of the simulated processor.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod clients;
mod kinesis_publisher;
mod payment_item;
mod payments_scan;
mod payments_table;
mod put_records;
mod refusal_item;
mod simulator_table;

pub use clients::{HOT_PUBLISH_MS, kinesis_hot_path, kinesis_relay};
pub use kinesis_publisher::KinesisPublisher;
pub use payment_item::{InvalidItem, record_of_image};
pub use payments_scan::{PaymentsPage, PaymentsScan, UnreadableItem};
pub use payments_table::PaymentsTable;
pub use put_records::StreamPosition;
pub use simulator_table::SimulatorTable;
