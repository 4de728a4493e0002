//! The in-memory store against the suite for all adapters.
#![allow(missing_docs)]

use orders::testing::{MemoryOrders, store_suite};

#[tokio::test]
async fn the_in_memory_store_satisfies_the_order_ports() {
    store_suite::check(&MemoryOrders::default()).await;
}
