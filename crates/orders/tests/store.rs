//! The in-memory store passes the suite that the adapters must pass.
#![allow(missing_docs)]

use orders::testing::{MemoryOrders, store_suite};

#[tokio::test]
async fn memory_keeps_the_promises_of_the_order_ports() {
    store_suite::check(&MemoryOrders::default()).await;
}
