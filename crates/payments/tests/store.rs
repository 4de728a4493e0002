//! The in-memory store keeps what the ports promise.
#![allow(missing_docs)]

use payments::testing::{MemoryPayments, store_suite};

#[tokio::test]
async fn the_in_memory_store_keeps_the_promises_of_the_store_ports() {
    store_suite::check(&MemoryPayments::default()).await;
}
