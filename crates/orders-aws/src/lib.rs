//! AWS adapters of Orders: the orders table and the quarantine table in DynamoDB, and the Payments API over REST.

mod copies;
mod copy_item;
mod order_item;
mod orders_scan;
mod orders_table;
mod payments_api;
mod quarantine_records;
mod quarantine_table;

pub use copies::Copies;
pub use orders_scan::{OrdersPage, OrdersScan, ScannedItem, UnreadableItem};
pub use orders_table::OrdersTable;
pub use payments_api::{InvalidPaymentsUrl, Limits, PaymentsApi, PaymentsUrl};
pub use quarantine_records::{InvalidRecordId, QuarantineRecords, RecordId, RecordSummary};
pub use quarantine_table::{KEPT_DAYS, PART_BYTES_MAX, QuarantineTable};
