//! The in-memory store passes the suite that the adapters must pass.
#![allow(missing_docs, clippy::unwrap_used)]

use payments::testing::{MemoryPayments, store_suite};

#[tokio::test]
async fn memory_keeps_the_promises_of_the_store_ports() {
    let store = MemoryPayments::default();
    store_suite::check(&store, async |record| {
        store.record(&record.payment.payment_id).is_some_and(|record| record.unpublished)
    })
    .await;
}
