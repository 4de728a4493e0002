//! The suites of the ports on the in-memory adapters.
#![allow(missing_docs)]

use payments::testing::{MemoryCharges, MemoryPayments, charges_suite, store_suite};

#[tokio::test]
async fn the_in_memory_store_passes_the_store_suite() {
    store_suite::check(&MemoryPayments::default()).await;
}

#[tokio::test]
async fn the_in_memory_charges_pass_the_charges_suite() {
    charges_suite::check(MemoryCharges::default()).await;
}
