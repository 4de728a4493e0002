//! Tests of the contracts: they match the code, their examples are valid, and breaking changes are named.
#![allow(missing_docs, clippy::unwrap_used)]

mod answers;
mod breaking;
mod combined;
mod committed;
mod events;
mod examples;
mod parsers;
mod releases;
mod schemas;
mod template;

use serde_json::Value;

/// Reads a committed document.
fn document(path: &str) -> Value {
    let path = paystream_contracts::repository().join(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn payments() -> Value {
    document("docs/api/openapi/payments.json")
}

fn orders() -> Value {
    document("docs/api/openapi/orders.json")
}
