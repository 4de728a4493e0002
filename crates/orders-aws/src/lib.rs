//! Orders' adapters: the orders table and the quarantine table in DynamoDB.

mod copies;
mod order_item;
mod orders_scan;
mod orders_table;
mod payment_item;
mod quarantine_records;
mod quarantine_table;

pub use copies::Copies;
pub use orders_scan::{OrdersPage, OrdersScan, ScannedItem, UnreadableItem};
pub use orders_table::OrdersTable;
pub use quarantine_records::{InvalidRecordId, QuarantineRecords, RecordId, RecordSummary};
pub use quarantine_table::{KEPT_DAYS, PART_BYTES_MAX, QuarantineTable};
