//! Orders' adapters: the orders table and the quarantine table in DynamoDB.

mod order_item;
mod orders_table;
mod payment_item;
mod quarantine_table;

pub use orders_table::OrdersTable;
pub use quarantine_table::{KEPT_DAYS, PART_BYTES_MAX, QuarantineTable};
