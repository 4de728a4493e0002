//! AWS adapters of Orders: the orders table in DynamoDB, and the Payments API over REST.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod copies;
mod copy_item;
mod item_size;
mod order_item;
mod orders_scan;
mod orders_table;
mod payments_api;

pub use copies::Copies;
pub use orders_scan::{OrdersPage, OrdersScan, ScannedItem, UnreadableItem};
pub use orders_table::OrdersTable;
pub use payments_api::{InvalidPaymentsUrl, Limits, PaymentsApi, PaymentsUrl};
