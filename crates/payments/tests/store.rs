//! The store suite on the in-memory store.
#![allow(missing_docs)]

use payments::testing::{MemoryPayments, store_suite};

#[tokio::test]
async fn the_in_memory_store_passes_the_store_suite() {
    store_suite::check(&MemoryPayments::default()).await;
}
